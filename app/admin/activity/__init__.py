"""The page of what happened: webhooks and what became of them, work that waits, imports, and who changed what."""
