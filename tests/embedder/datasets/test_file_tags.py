"""Labels of a data set from the tags of files in any format."""

from pathlib import Path

import pytest

from embedder.datasets.file_tags import read_file_tags
from embedder.datasets.synthesis.folder import write_music_folder


@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".m4a", ".wav"])
def test_every_format_has_artist_album_and_genre(tmp_path: Path, suffix: str) -> None:
    """The same tags are read from all formats, including ID3 in WAV."""
    songs = write_music_folder(
        tmp_path / "music",
        styles=("folk",),
        artists_per_style=1,
        albums_per_artist=1,
        songs_per_album=1,
        seconds=1.0,
        sample_rate=8000,
        formats=(suffix,),
    )
    tags = read_file_tags(songs[0].path)
    assert songs[0].path.suffix == suffix
    assert (tags.artist, tags.album, tags.title) == (
        songs[0].artist,
        songs[0].album,
        songs[0].title,
    )
    assert tags.genres == ("folk",)


def test_a_file_without_tags_has_empty_tags(tmp_path: Path) -> None:
    """Text with a music suffix gives empty tags and no error."""
    path = tmp_path / "text.mp3"
    path.write_text("no music")
    assert read_file_tags(path).artist == ""
