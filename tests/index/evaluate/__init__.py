"""Behaviour of `index.evaluate`."""
