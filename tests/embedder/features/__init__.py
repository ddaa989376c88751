"""Behaviour of `embedder.features`."""
