"""`models get`: fetch a published encoder, read its weights, and store it as a model."""
