"""Playlists as files: M3U, M3U8, XSPF and JSON, read and written; and an MPD's queue."""
