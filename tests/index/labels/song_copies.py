"""The formats whose tags can be written, and copies of songs for a test to change."""

from pathlib import Path

SUFFIXES = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav")


def copy_of(songs: Path, suffix: str, folder: Path) -> Path:
    path = folder / f"song{suffix}"
    path.write_bytes((songs / f"song{suffix}").read_bytes())
    return path
