"""Behaviour of `index.search.search`."""
