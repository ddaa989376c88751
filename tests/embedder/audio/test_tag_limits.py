"""Tags are counted before they are parsed."""

import time
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.apev2 import APEv2
from mutagen.id3 import APIC, ID3, TIT2, TXXX

from embedder.audio.tag_limits import MAX_TAGS, OversizedTags, check_tag_limits
from embedder.audio.writing import write_audio
from tests.embedder.hostile_files import (
    add_flac_comments,
    compressed_frame,
    id3_header,
    txxx_frames,
)

FORMATS = (".mp3", ".flac", ".ogg", ".opus", ".m4a", ".wav")


@pytest.fixture
def sound(tmp_path: Path) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(48000)).astype(np.float32)


def with_tags(path: Path, n_tags: int) -> Path:
    """Add the given number of tags and a title, in the format's own way."""
    file = mutagen.File(path)
    if file.tags is None:
        file.add_tags()
    if isinstance(file.tags, ID3):
        file.tags.setall("TXXX", [TXXX(desc=f"F{i}", text="v") for i in range(n_tags)])
        file.tags.add(TIT2(text="title"))
    elif path.suffix == ".m4a":
        file.tags["\xa9nam"] = "title"
        file.tags.update({f"----:com.apple.iTunes:F{i}": [b"v"] for i in range(n_tags)})
    else:
        file.tags.extend([(f"F{i}", "v") for i in range(n_tags)])
        file.tags["title"] = "title"
    file.save()
    return path


@pytest.mark.parametrize("suffix", FORMATS)
def test_many_tags_are_refused_in_every_format(
    suffix: str, tmp_path: Path, sound: np.ndarray
) -> None:
    """One tag above the limit is refused, and the message has the number."""
    path = tmp_path / f"song{suffix}"
    write_audio(path, sound, 48000)
    check_tag_limits(with_tags(path, 20))
    with pytest.raises(OversizedTags, match=r"it has \d+ .*, more than 5000"):
        check_tag_limits(with_tags(path, MAX_TAGS + 1))


def test_a_large_cover_is_no_reason_to_refuse(tmp_path: Path, sound: np.ndarray) -> None:
    """A picture of 20 MB in an ID3 tag of either version is accepted."""
    path = tmp_path / "song.mp3"
    write_audio(path, sound, 48000)
    tags = ID3()
    tags.add(TXXX(desc="lyrics", text="la " * 3000))
    tags.add(TIT2(text="title " * 50))
    tags.add(APIC(data=np.random.default_rng(1).bytes(20_000_000), mime="image/png"))
    for version in (3, 4):
        tags.save(path, v2_version=version)
        check_tag_limits(path)


def test_compressed_frames_are_counted_by_what_they_may_unpack_to(
    tmp_path: Path, sound: np.ndarray
) -> None:
    """A frame of 300 kB that unpacks to 300 MB is refused; a small one is accepted."""
    write_audio(tmp_path / "song.mp3", sound, 48000)
    audio = (tmp_path / "song.mp3").read_bytes()
    path = tmp_path / "bomb.mp3"
    path.write_bytes(id3_header(compressed_frame(20_000), version=3) + audio)
    check_tag_limits(path)
    path.write_bytes(id3_header(compressed_frame(300_000_000), version=3) + audio)
    with pytest.raises(OversizedTags, match="compressed"):
        check_tag_limits(path)


def test_the_count_takes_no_time(tmp_path: Path, sound: np.ndarray) -> None:
    """300,000 comments or frames are refused in a fraction of a second."""
    write_audio(tmp_path / "song.flac", sound, 48000)
    write_audio(tmp_path / "song.mp3", sound, 48000)
    audio = (tmp_path / "song.mp3").read_bytes()
    flac = add_flac_comments(tmp_path / "song.flac", 300_000)
    (tmp_path / "song.mp3").write_bytes(id3_header(txxx_frames(200_000), version=3) + audio)
    started = time.process_time()
    for path in (flac, tmp_path / "song.mp3"):
        with pytest.raises(OversizedTags):
            check_tag_limits(path)
    assert time.process_time() - started < 2.0


def test_sizes_that_are_not_synchsafe_are_counted_as_well(
    tmp_path: Path, sound: np.ndarray
) -> None:
    """Version 2.4 tags with plain sizes, which some programs write, are counted too."""
    write_audio(tmp_path / "song.mp3", sound, 48000)
    long_frame = b"TXXX" + (200).to_bytes(4, "big") + b"\0\0" + b"\0A\0" + b"v" * 197
    body = long_frame * (MAX_TAGS + 1)
    path = tmp_path / "plain.mp3"
    path.write_bytes(id3_header(body, version=4) + (tmp_path / "song.mp3").read_bytes())
    with pytest.raises(OversizedTags, match="ID3 frames"):
        check_tag_limits(path)


def test_ape_tags_are_counted(tmp_path: Path, sound: np.ndarray) -> None:
    """APE tags at the end of a file are counted, also before an ID3v1 tag."""
    path = tmp_path / "song.mp3"
    write_audio(path, sound, 48000)
    tags = APEv2()
    tags.update({f"F{i:05}": "v" for i in range(MAX_TAGS + 1)})
    tags.save(path)
    with pytest.raises(OversizedTags, match="APE tags"):
        check_tag_limits(path)
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    with pytest.raises(OversizedTags, match="APE tags"):
        check_tag_limits(path)


def test_damaged_headers_are_accepted(tmp_path: Path, sound: np.ndarray) -> None:
    """Truncated and random files raise no error in this check."""
    generator = np.random.default_rng(3)
    for suffix in FORMATS:
        path = tmp_path / f"song{suffix}"
        write_audio(path, sound, 48000)
        data = bytearray(with_tags(path, 5).read_bytes())
        for _ in range(60):
            damaged = bytearray(data[: generator.integers(0, len(data))])
            for place in generator.integers(0, max(len(damaged), 1), 8):
                if place < min(len(damaged), 400):
                    damaged[place] = generator.integers(256)
            path.write_bytes(bytes(damaged))
            try:
                check_tag_limits(path)
            except OversizedTags:
                continue
