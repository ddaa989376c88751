"""Playlists: an order of tracks that holds to rules, of several kinds."""
