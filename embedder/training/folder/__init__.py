"""The folder of a training run: its state, its record, its best model."""
