"""Behaviour of `index.indexing`."""
