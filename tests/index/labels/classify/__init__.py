"""Labels from a model's own head."""
