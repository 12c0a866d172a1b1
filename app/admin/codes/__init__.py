"""The page of codes issued: which, to whom, what they are worth, what became of them."""
