"""The truth about a library: tracks, tags, vectors, failures and settings, in SQLite."""
