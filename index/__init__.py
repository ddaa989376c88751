"""Vectors and tags in, answers out: catalogue, search, votes, playlists, maps."""
