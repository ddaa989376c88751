"""Tracks by words: lists of the library's tracks, and the track that a text names."""
