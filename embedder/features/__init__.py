"""From waveform to what a network sees: front ends, normalisation, pictures."""
