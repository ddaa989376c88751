"""Labels from a model's own head: requests, windows over time, curves."""
