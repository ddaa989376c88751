"""Batch sources of training: prepared features, streamed audio, vectors of a frozen encoder."""
