"""Taking in a whole shop by bulk operations: the import when it installs, and the comparison every night."""
