"""Which tracks to take, in which order, within the rules."""
