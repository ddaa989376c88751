"""Training a grid of settings over seeds, and its table."""
