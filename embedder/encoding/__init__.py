"""Paths in, vectors out: the encoder, its batches, processes and devices."""
