"""Handlers by noun. Each module lists its lines of the topic table as `TOPICS`."""
