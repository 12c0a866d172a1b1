"""Histories of shops: a seeded year, a real shop's year read from a file, and what accounts should hold after it."""
