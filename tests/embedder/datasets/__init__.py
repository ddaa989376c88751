"""Behaviour of `embedder.datasets`."""
