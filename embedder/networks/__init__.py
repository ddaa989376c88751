"""Networks from spectrograms or waveforms to vectors, built from a configuration."""
