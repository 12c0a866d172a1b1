"""Settings: how staff read, how the shop presents itself, keys for other programs, data handed out or erased."""
