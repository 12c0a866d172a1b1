"""The public REST API below /api/v1: one table of operations (`table.py`) that routes, checks and documents itself."""
