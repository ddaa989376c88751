"""From waveforms to the input of a network: front ends, normalisation, saved features."""
