"""Neighbours vote on labels."""
