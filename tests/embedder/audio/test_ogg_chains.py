"""The comments of every stream of a chained Ogg file are counted before they are parsed."""

import struct
import time
import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import read_whole
from embedder.audio.digest import audio_digest
from embedder.audio.ogg_chains import MAX_LISTS, comment_lists, list_bytes
from embedder.audio.tag_limits import MAX_TAGS, OversizedTags, check_tag_limits
from embedder.audio.tag_patches import ogg_checksum
from tests.embedder.hostile_files import add_tags, write_noise

FLAC_START = b"\x7fFLAC\x01\x00\x00\x01fLaC" + bytes(38)


def page(content: bytes, *, serial: int = 1, flags: int = 0) -> bytes:
    """An Ogg page of one packet, or of a part of one whose size is a multiple of 255."""
    n_full, rest = divmod(len(content), 255)
    lengths = b"\xff" * n_full + bytes([rest] if rest or not n_full else [])
    header = struct.pack("<4sBBqII", b"OggS", 0, flags, 0, serial, 0)
    whole = header + bytes(4) + bytes([len(lengths)]) + lengths + content
    return whole[:22] + struct.pack("<I", ogg_checksum(whole)) + whole[26:]


def comments(n_comments: int, *, vendor: bytes = b"me") -> bytes:
    """The beginning of a list that says so many comments."""
    return struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", n_comments)


def chain_of(path: Path, *parts: Path) -> Path:
    """A file with the streams of others, one after another."""
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    return path


@pytest.mark.parametrize("suffix", [".oga", ".opus"])
def test_the_tags_of_a_later_stream_are_left_out(suffix: str, tmp_path: Path) -> None:
    """Its audio is the same as without them, and decoding takes no time for them."""
    plain, other = (write_noise(tmp_path / f"{n}{suffix}", seconds=0.5) for n in (1, 2))
    tagged = add_tags(write_noise(tmp_path / f"tagged{suffix}", seconds=0.5), MAX_TAGS + 1)
    check_tag_limits(chain_of(tmp_path / f"chain{suffix}", plain, other))
    expected = read_whole(tmp_path / f"chain{suffix}").samples
    chain_of(tmp_path / f"chain{suffix}", plain, tagged)
    with pytest.raises(OversizedTags, match=r"its first 2 lists of comments have 500\d comments"):
        check_tag_limits(tmp_path / f"chain{suffix}")
    started = time.process_time()
    np.testing.assert_array_equal(read_whole(tmp_path / f"chain{suffix}").samples, expected)
    assert time.process_time() - started < 1.0


def test_a_recording_of_many_songs_keeps_its_tags(tmp_path: Path) -> None:
    """Three hundred streams with twenty comments each are more than the limit of one stream."""
    path = tmp_path / "radio.oga"
    path.write_bytes(page(b"\x03vorbis" + comments(20)) * 300)
    check_tag_limits(path)
    with path.open("rb") as file:
        assert len(list(comment_lists(file, 0))) == 300


def test_marks_between_and_inside_pages_count(tmp_path: Path) -> None:
    """FFmpeg finds the next page behind bytes that belong to none, so the count does too."""
    path = tmp_path / "gap.opus"
    path.write_bytes(page(b"OpusHead", flags=2) + bytes(2**20 - 40) + b"OpusTags" + comments(6000))
    with pytest.raises(OversizedTags, match="6000 comments"):
        check_tag_limits(path)


def test_comments_of_flac_in_ogg_are_counted_in_every_packet(tmp_path: Path) -> None:
    """FLAC has no mark: each packet whose first byte says so is a list of comments."""
    path = tmp_path / "song.oga"
    blocks = b"".join(page(b"\x04\0\0\0" + comments(n)) for n in (7, 6000))
    path.write_bytes(page(FLAC_START, flags=2) + blocks + page(b"\xff\xf8" + bytes(99)))
    with path.open("rb") as file:
        assert [some.n_comments for some in comment_lists(file, 0)] == [7, 6000]
    with pytest.raises(OversizedTags, match="6007 comments"):
        check_tag_limits(path)


def test_a_list_behind_a_long_name_cannot_be_counted(tmp_path: Path) -> None:
    """Pages can cut such a name anywhere, so the file counts as one of too many tags."""
    path = tmp_path / "song.oga"
    path.write_bytes(
        page(b"\x03vorbis" + comments(1)) + page(b"\x03vorbis" + comments(1, vendor=b"x" * 241))
    )
    with pytest.raises(OversizedTags, match="Ogg comments that cannot be counted"):
        check_tag_limits(path)


def test_more_lists_than_any_recording_has_are_refused_at_once(tmp_path: Path) -> None:
    """Twenty thousand marks take no time and no memory."""
    path = tmp_path / "many.oga"
    path.write_bytes(page(b"\x03vorbis" + comments(0)) * 20_000)
    started = time.process_time()
    tracemalloc.start()
    with pytest.raises(OversizedTags, match=f"it has more than {MAX_LISTS} lists of comments"):
        check_tag_limits(path)
    assert tracemalloc.get_traced_memory()[1] < 8 * 2**20
    tracemalloc.stop()
    assert time.process_time() - started < 4.0


def test_a_list_over_many_pages_is_measured(tmp_path: Path) -> None:
    """Pages of other streams between its own do not count."""
    path = tmp_path / "long.oga"
    parts = [page(b"\x03vorbis" + comments(1) + bytes(255 * 20 - 17))]
    parts += [page(bytes(255 * 4), serial=9), page(bytes(255 * 20), flags=1), page(b"end", flags=1)]
    path.write_bytes(b"".join(parts) + page(b"audio"))
    with path.open("rb") as file:
        (comment_list,) = comment_lists(file, 0)
        assert list_bytes(file, comment_list.place, limit=10**9) == 255 * 40 + 3
        assert list_bytes(file, comment_list.place, limit=1000) < 1300


def test_a_long_comment_is_not_kept_for_the_digest(tmp_path: Path) -> None:
    """The digest leaves comments out, so their size costs no memory."""
    head = page(b"OpusHead" + bytes(11), flags=2)
    tags = page(b"OpusTags" + comments(1) + bytes(255 * 250 - 18))
    more = page(bytes(255 * 250), flags=1)
    digests = set()
    for n_pages in (0, 200):
        path = tmp_path / f"{n_pages}.opus"
        path.write_bytes(head + tags + more * n_pages + page(b"", flags=1) + page(b"audio"))
        tracemalloc.start()
        digests.add(audio_digest(path))
        assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
        tracemalloc.stop()
    assert len(digests) == 1
