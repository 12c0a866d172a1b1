"""One command a claim: `python -m benchmarks.NAME` measures it here and now, beside its rival or its limit.

Nothing of the product imports this. Every benchmark lives in a home of its own below `.cache/benchmarks`, with a
PostgreSQL that makes every commit durable, and leaves no process and no file behind.
"""
