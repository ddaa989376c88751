"""Tags are counted before they are parsed."""

import contextlib
import time
import zlib
from pathlib import Path

import mutagen
import numpy as np
import pytest
from mutagen.id3 import APIC, ID3, TIT2, TXXX

from embedder.audio.tag_limits import MAX_TAGS, OversizedTags, check_tag_limits
from embedder.audio.without_tags import WithoutTags
from embedder.audio.writing import write_audio
from tests.embedder.hostile_files import (
    TAGGED,
    add_chunks,
    add_flac_comments,
    add_id3_chunk,
    add_tags,
    compressed_frame,
    id3_header,
    txxx_frames,
    write_noise,
)


@pytest.fixture
def sound(tmp_path: Path) -> np.ndarray:
    return (0.1 * np.random.default_rng(0).standard_normal(48000)).astype(np.float32)


@pytest.mark.parametrize("suffix", TAGGED)
def test_many_tags_are_refused_in_every_format(suffix: str, tmp_path: Path) -> None:
    """Twenty tags pass. One more than the limit is refused, and the message has the number."""
    path = write_noise(tmp_path / f"song{suffix}")
    check_tag_limits(add_tags(path, 20))
    with pytest.raises(OversizedTags, match=r"it has \d+ .*, more than 5000"):
        check_tag_limits(add_tags(path, MAX_TAGS + 1))


@pytest.mark.parametrize("suffix", [".wav", ".aiff"])
def test_tags_in_chunks_are_counted(suffix: str, tmp_path: Path) -> None:
    """A list of short tags in RIFF, texts in AIFF, and an ID3 tag in either."""
    check_tag_limits(add_chunks(write_noise(tmp_path / f"few{suffix}"), 20))
    with pytest.raises(OversizedTags, match=r"it has 500\d tags in chunks, more than 5000"):
        check_tag_limits(add_chunks(write_noise(tmp_path / f"many{suffix}"), MAX_TAGS + 1))
    frames = txxx_frames(MAX_TAGS + 1)
    with pytest.raises(OversizedTags, match="it has 5001 ID3 frames"):
        check_tag_limits(add_id3_chunk(write_noise(tmp_path / f"frames{suffix}"), frames))


def test_comments_behind_a_long_name_of_the_program_are_counted(tmp_path: Path) -> None:
    """The number of comments stands behind the vendor's name, however long that is."""
    path = write_noise(tmp_path / "song.opus")
    file = mutagen.File(path)
    file.tags.vendor = "x" * 3_000_000
    file.save()
    with pytest.raises(OversizedTags, match="comments"):
        check_tag_limits(add_tags(path, MAX_TAGS + 1))


def test_comments_behind_an_id3_tag_are_counted(tmp_path: Path) -> None:
    """FFmpeg skips an ID3 tag before any format, so the check does too."""
    for suffix in (".opus", ".wma", ".m4a", ".wav"):
        path = add_tags(write_noise(tmp_path / f"song{suffix}"), MAX_TAGS + 1)
        path.write_bytes(id3_header(txxx_frames(1), version=3) + path.read_bytes())
        with pytest.raises(OversizedTags, match="more than 5000"):
            check_tag_limits(path)


def test_frames_in_chapters_are_counted(tmp_path: Path) -> None:
    """A chapter holds frames of its own, in tables and in chapters of chapters too."""
    frames = txxx_frames(MAX_TAGS)
    chapter = id3_frame(b"CHAP", b"one\0" + bytes(16) + frames)
    table = id3_frame(b"CTOC", b"all\0\x03\x02one\0two\0" + chapter)
    for number, body in enumerate((chapter, table)):
        path = tmp_path / f"{number}.mp3"
        path.write_bytes(id3_header(id3_frame(b"TIT2", b"\0a") + body, version=3))
        with pytest.raises(OversizedTags, match="it has 5001 ID3 frames"):
            check_tag_limits(path)
    path.write_bytes(id3_header(id3_frame(b"CHAP", b"one\0" + bytes(16)), version=3))
    check_tag_limits(path)


def test_boxes_deep_in_each_other_are_refused(tmp_path: Path) -> None:
    """A tag reader that calls itself for each box in a box would end."""
    path = write_noise(tmp_path / "song.m4a")
    boxes = b""
    for _ in range(20_000):
        boxes = (8 + len(boxes)).to_bytes(4, "big") + b"udta" + boxes
    path.write_bytes(path.read_bytes() + boxes)
    started = time.process_time()
    with pytest.raises(OversizedTags, match="more than 16 deep"):
        check_tag_limits(path)
    assert time.process_time() - started < 1.0


LONG_FRAMES = {
    "many values": (b"TXXX", b"\3" + b"\0".join([b"v"] * 300_000)),
    "many values of UTF-16": (b"TPE1", b"\1" + b"\0\0".join([b"v\0"] * 300_000)),
    "many entries": (b"SYLT", b"\3eng\1\1\0" + b"v\0\0\0\0\0" * 300_000),
    "events": (b"ETCO", b"\1" + bytes(5) * 300_000),
    "a description without end": (b"APIC", b"\1image/png\0\3" + b"vv" * 3_000_000),
    "text without end": (b"COMM", b"\1eng" + b"vv" * 3_000_000),
}


@pytest.mark.parametrize("name", LONG_FRAMES)
def test_long_frames_that_take_long_are_refused(name: str, tmp_path: Path) -> None:
    """Mutagen needs minutes for the first four of these, and many seconds for the others."""
    path = tmp_path / "song.mp3"
    path.write_bytes(id3_header(id3_frame(*LONG_FRAMES[name]), version=3))
    started = time.process_time()
    with pytest.raises(OversizedTags, match="ID3 frames"):
        check_tag_limits(path)
    assert time.process_time() - started < 1.0


def test_a_small_compressed_frame_of_many_values_is_refused(tmp_path: Path) -> None:
    """Some kilobytes can unpack to a text of a hundred thousand values."""
    content = b"\3" + b"v\0" * 300_000
    packed = len(content).to_bytes(4, "big") + zlib.compress(content)
    frame = b"TXXX" + len(packed).to_bytes(4, "big") + b"\0\x80" + packed
    path = tmp_path / "song.mp3"
    path.write_bytes(id3_header(frame, version=3))
    with pytest.raises(OversizedTags, match="ID3 frames"):
        check_tag_limits(path)


def id3_frame(name: bytes, content: bytes) -> bytes:
    """A frame of version 2.3."""
    return name + len(content).to_bytes(4, "big") + b"\0\0" + content


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


def test_ape_tags_are_counted_before_an_id3v1_tag(tmp_path: Path) -> None:
    """Some files end with an ID3v1 tag, behind the APE tag."""
    path = add_tags(write_noise(tmp_path / "song.wv"), MAX_TAGS + 1)
    path.write_bytes(path.read_bytes() + b"TAG" + bytes(125))
    with pytest.raises(OversizedTags, match="APE tags"):
        check_tag_limits(path)


def test_damaged_headers_are_accepted(tmp_path: Path) -> None:
    """Truncated and random files raise no error in this check."""
    generator = np.random.default_rng(3)
    for suffix in TAGGED:
        path = write_noise(tmp_path / f"song{suffix}", seconds=0.2)
        data = bytearray(add_tags(path, 5).read_bytes())
        for _ in range(60):
            damaged = bytearray(data[: generator.integers(0, len(data))])
            for place in generator.integers(0, max(len(damaged), 1), 8):
                if place < min(len(damaged), 400):
                    damaged[place] = generator.integers(256)
            path.write_bytes(bytes(damaged))
            with contextlib.suppress(OversizedTags):
                check_tag_limits(path)
            with WithoutTags(path) as view:
                view.read()
