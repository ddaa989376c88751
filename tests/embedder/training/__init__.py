"""Behaviour of `embedder.training`."""
