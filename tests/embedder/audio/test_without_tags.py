"""Files with tags beyond every measure are decoded without them."""

import time
from pathlib import Path

import mutagen
import numpy as np
import pytest

from embedder.audio.decoding import read_stretches, read_whole
from embedder.audio.writing import write_audio
from embedder.errors import UnreadableAudio
from tests.embedder.hostile_files import add_flac_comments, id3_header, txxx_frames

RATE = 48_000
NOISE = (0.1 * np.random.default_rng(0).standard_normal(3 * RATE)).astype(np.float32)


@pytest.mark.parametrize("suffix", [".flac", ".mp3"])
def test_audio_behind_hostile_tags_is_the_same(suffix: str, tmp_path: Path) -> None:
    """Every sample, read whole or by seeking, is what the file without tags has, and at once."""
    plain, tagged = tmp_path / f"plain{suffix}", tmp_path / f"tagged{suffix}"
    for path in (plain, tagged):
        write_audio(path, NOISE, RATE)
    if suffix == ".flac":
        add_flac_comments(tagged, 300_000)
    else:
        frames = id3_header(txxx_frames(200_000), version=3)
        tagged.write_bytes(frames + tagged.read_bytes())
    started = time.process_time()
    np.testing.assert_array_equal(read_whole(tagged).samples, read_whole(plain).samples)
    stretches = [read_stretches(path, lambda _: [1.5], seconds=1.0) for path in (tagged, plain)]
    np.testing.assert_array_equal(stretches[0].samples, stretches[1].samples)
    assert time.process_time() - started < 2.0  # minutes, if FFmpeg reads the tags


def test_hostile_tags_that_cannot_be_left_out_are_a_failure(tmp_path: Path) -> None:
    """An Ogg file with too many comments is refused at once, with the reason."""
    path = tmp_path / "many.ogg"
    write_audio(path, NOISE, RATE)
    file = mutagen.File(path)
    file.tags.extend([(f"F{number}", "v") for number in range(20_000)])
    file.save()
    with pytest.raises(UnreadableAudio, match=r"20\d+ comments, more than 5000, and FFmpeg cannot"):
        read_whole(path)
