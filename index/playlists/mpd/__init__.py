"""Music Player Daemon: queue tracks, follow what plays, and read likes from stickers."""
