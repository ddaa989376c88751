"""Losses: from vectors and the targets of their tracks to one number."""
