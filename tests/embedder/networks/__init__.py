"""Behaviour of `embedder.networks`."""
