"""Seeded changes that leave a sound what it is, in whole batches."""
