"""Descriptors from before learning, in numpy: the baselines that a network has to beat."""
