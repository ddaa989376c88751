"""TensorFlow checkpoints, read without TensorFlow: the index file, and the tensors it points to."""
