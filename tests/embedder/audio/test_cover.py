"""The picture in a file's tags."""

from pathlib import Path

import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import APIC
from mutagen.mp3 import MP3

from embedder.audio.cover import read_cover
from tests.cli.songs import write_song

PNG = b"\x89PNG\r\n\x1a\n" + bytes(20)
JPEG = b"\xff\xd8\xff" + bytes(20)


def flac_with(path: Path, *pictures: tuple[int, bytes]) -> Path:
    """A song with pictures of these kinds."""
    write_song(path, 1)
    file = FLAC(path)
    for kind, data in pictures:
        picture = Picture()
        picture.type, picture.data, picture.mime = kind, data, "text/html"
        file.add_picture(picture)
    file.save()
    return path


def test_the_front_cover_comes_first(tmp_path: Path) -> None:
    """Of several pictures the front cover is taken; its bytes tell its type, not its tag."""
    cover = read_cover(flac_with(tmp_path / "a.flac", (4, PNG), (3, JPEG)))
    assert cover is not None
    assert (cover.data, cover.media_type) == (JPEG, "image/jpeg")


def test_an_mp3_has_one_too(tmp_path: Path) -> None:
    """The picture of an ID3 tag is read."""
    write_song(tmp_path / "a.mp3", 1)
    file = MP3(tmp_path / "a.mp3")
    file.tags.add(APIC(encoding=3, mime="image/png", type=3, desc="", data=PNG))
    file.save()
    cover = read_cover(tmp_path / "a.mp3")
    assert cover is not None
    assert cover.media_type == "image/png"


@pytest.mark.parametrize("data", [b"<svg onload='x()'/>", b"<html>", b""], ids=len)
def test_what_is_no_picture_is_not_shown(tmp_path: Path, data: bytes) -> None:
    """A page or a script in a tag is no cover."""
    assert read_cover(flac_with(tmp_path / "a.flac", (3, data))) is None


def test_a_broken_file_has_none(tmp_path: Path) -> None:
    """A file that cannot be read has no cover."""
    (tmp_path / "a.mp3").write_bytes(b"ID3\x04\x00\x00\x00\x00\x00\x7f" + bytes(50))
    assert read_cover(tmp_path / "a.mp3") is None
