"""What is computed from the sound of a track beside its vector, whatever the model."""
