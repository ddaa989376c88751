"""Behaviour of `embedder.audio`."""
