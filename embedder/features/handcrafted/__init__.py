"""Descriptors without learning, in numpy: the baselines that a network must beat."""
