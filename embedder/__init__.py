"""Waveform in, vector out: decoding, features, networks, training and encoding."""
