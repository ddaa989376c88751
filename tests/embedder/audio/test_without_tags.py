"""Files with tags beyond every measure are decoded without them."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.containers import ogg_pages
from embedder.audio.decoding import read_stretches, read_whole
from embedder.audio.tag_patches import ogg_checksum
from embedder.audio.without_tags import WithoutTags
from embedder.errors import UnreadableAudio
from tests.embedder.hostile_files import (
    TAGGED,
    add_chunks,
    add_flac_comments,
    add_id3_chunk,
    add_tags,
    compressed_frame,
    txxx_frames,
    write_noise,
)

N_TAGS = 6000
MAKERS: dict[str, Callable[[Path], Path]] = {
    **{f"tags{suffix}": lambda path: add_tags(path, N_TAGS) for suffix in TAGGED},
    "chunks.wav": lambda path: add_chunks(path, N_TAGS),
    "chunks.aiff": lambda path: add_chunks(path, N_TAGS),
    "frames.wav": lambda path: add_id3_chunk(path, txxx_frames(N_TAGS)),
    "frames.aiff": lambda path: add_id3_chunk(path, txxx_frames(N_TAGS)),
    "unpacked.aiff": lambda path: add_id3_chunk(path, compressed_frame(605_000_000)),
    "many.flac": lambda path: add_flac_comments(path, 300_000),
    "many.wav": lambda path: add_id3_chunk(path, txxx_frames(200_000)),
    "many.mka": lambda path: add_tags(path, 60_000),
}


@pytest.mark.parametrize("name", MAKERS)
def test_audio_behind_hostile_tags_is_the_same(name: str, tmp_path: Path) -> None:
    """Every sample, read whole or by seeking, is what the file without tags has, and at once."""
    plain = write_noise(tmp_path / f"plain{Path(name).suffix}")
    tagged = MAKERS[name](write_noise(tmp_path / name))
    seconds = []
    for _ in range(2):  # the better of two: other threads of this process may be at work
        started = time.process_time()
        np.testing.assert_array_equal(read_whole(tagged).samples, read_whole(plain).samples)
        stretches = [read_stretches(path, lambda _: [0.5], seconds=0.5) for path in (tagged, plain)]
        np.testing.assert_array_equal(stretches[0].samples, stretches[1].samples)
        seconds.append(time.process_time() - started)
    assert min(seconds) < 1.0


@pytest.mark.parametrize("suffix", [".oga", ".opus"])
def test_pages_without_comments_have_right_checksums(suffix: str, tmp_path: Path) -> None:
    """FFmpeg drops an Ogg page whose checksum is wrong."""
    path = add_tags(write_noise(tmp_path / f"song{suffix}"), N_TAGS)
    with WithoutTags(path) as view:
        data = view.read()
        pages = list(ogg_pages(view, 0))  # type: ignore[arg-type]  # FileIO reads as a BinaryIO
    for page in pages:
        content = bytearray(data[page.place : page.end])
        said = int.from_bytes(content[22:26], "little")
        content[22:26] = bytes(4)
        assert ogg_checksum(bytes(content)) == said


def test_a_view_ends_before_the_tags_behind_the_audio(tmp_path: Path) -> None:
    """Reading and seeking from the end know nothing of an APE tag."""
    path = write_noise(tmp_path / "song.wv")
    audio = path.read_bytes().partition(b"APETAGEX")[0]
    add_tags(path, N_TAGS)
    with WithoutTags(path) as view:
        assert view.seek(0, 2) == len(audio)
        assert view.seek(-4, 2) == len(audio) - 4
        assert view.read() == audio[-4:]
        assert view.read() == b""


def test_hostile_tags_that_cannot_be_left_out_are_a_failure(tmp_path: Path) -> None:
    """An AIFF file with more chunks than are looked through is refused, with the reason."""
    path = add_chunks(write_noise(tmp_path / "many.aiff"), 100_001)
    with pytest.raises(UnreadableAudio, match=r"tags in chunks, .*, and FFmpeg cannot leave them"):
        read_whole(path)
