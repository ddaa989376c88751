"""Behaviour of `index.vectors`."""
