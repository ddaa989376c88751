"""Where a training run starts from: a checkpoint, another model, a fit in closed form."""
