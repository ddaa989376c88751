"""Losses: embeddings and what is known about their tracks in, one number out."""
