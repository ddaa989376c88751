"""Behaviour of `index.labels`."""
