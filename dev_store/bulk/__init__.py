"""Bulk operations of the development store: a query over a whole shop, answered as a JSONL file some time later."""
