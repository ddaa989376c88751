"""Decoding and encoding in child processes."""
