"""The starting point of a run: random weights, another model, or a fitted projection."""
