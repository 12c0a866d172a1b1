"""In and out: the whole of a shop's rules and facts as one file, and balances of another program from a CSV file."""
