"""Recording labelled takes: levels, pauses, names."""
