"""Behaviour of `embedder.models`."""
