"""The training loop: steps, optimisers, devices, interruption."""
