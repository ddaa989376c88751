"""Behaviour of `index.catalogue`."""
