"""Behaviour of `index.search`."""
