"""Products as far as rules name them: their tags and collections, from when until when."""
