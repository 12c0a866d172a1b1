"""Figures over all of a shop: counted for whoever looks, or, where that takes seconds, by a job that keeps them."""
