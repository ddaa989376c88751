"""Tracks in, their nearest neighbours out, with reasons."""
