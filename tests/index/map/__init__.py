"""Behaviour of `index.map`."""
