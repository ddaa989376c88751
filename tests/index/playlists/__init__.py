"""Behaviour of `index.playlists`."""
