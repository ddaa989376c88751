"""Networks from spectrogram or waveform to vector, built from configuration."""
