"""Behaviour of `embedder.encoding`."""
