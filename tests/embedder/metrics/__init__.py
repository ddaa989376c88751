"""Behaviour of `embedder.metrics`."""
