"""Decoding a file of any length piece by piece gives the samples of decoding it whole."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoding import read_whole, stream_blocks
from embedder.audio.resampling import StreamResampler, resampled
from embedder.audio.writing import write_audio
from embedder.errors import MissingAudio
from tests.embedder.audio_files import RATE, tune


@pytest.mark.parametrize("suffix", [".wav", ".mp3", ".opus"])
def test_blocks_are_the_whole_file(tmp_path: Path, suffix: str) -> None:
    """Joined, the blocks are what `read_whole` returns."""
    path = tmp_path / f"tune{suffix}"
    write_audio(path, tune(3.0), RATE)
    np.testing.assert_array_equal(
        np.concatenate(list(stream_blocks(path))), read_whole(path).samples
    )


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error comes when the first block is asked for."""
    with pytest.raises(MissingAudio, match=r"gone\.wav"):
        next(stream_blocks(tmp_path / "gone.wav"))


@pytest.mark.parametrize("to_rate", [8000, 48000, RATE])
def test_a_stream_is_resampled_as_a_whole(to_rate: int) -> None:
    """However the stream is cut, its samples are those of resampling it at once."""
    samples = tune(1.0)[0]
    resampler = StreamResampler(from_rate=RATE, to_rate=to_rate)
    blocks = [resampler.feed(block) for block in np.split(samples, [1, 700, 701, 9000])]
    joined = np.concatenate([*blocks, resampler.finish()])
    expected = resampled(samples, from_rate=RATE, to_rate=to_rate)
    n_both = min(len(joined), len(expected))
    assert abs(len(joined) - len(expected)) <= 1
    np.testing.assert_array_equal(joined[:n_both], expected[:n_both])
