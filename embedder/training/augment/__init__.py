"""Seeded augmentations of whole batches: the labels of the tracks stay valid."""
