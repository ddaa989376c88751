"""Sound as it comes: sources, windows, labels over time, what other programs do with them."""
