"""Behaviour of soundalike, on synthesised music."""
