"""Damaged copies of audio files, in child processes with limits: read, or refused with a reason.

N_COPIES=10000 python -m pytest -m slow tests/faults/test_mutated_audio.py
"""

import os
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.decoders import Decoder
from embedder.audio.digest import audio_digest
from embedder.config.model import ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.encoding.loading import load_track
from embedder.encoding.requests import TrackRequest
from embedder.errors import AudioError
from index.indexing.tags import read_tags
from tests.embedder.hostile_files import TAGGED, add_tags, write_noise

N_COPIES = int(os.environ.get("N_COPIES", "1000"))
CONFIG = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=2, excerpt_seconds=0.5),
    front_end=FrontEndConfig(sample_rate=22050),
)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", TAGGED)
def test_damaged_copies_are_read_or_refused(suffix: str, tmp_path: Path) -> None:
    """Digest and tags raise nothing else; the decoder's death or delay costs one file."""
    whole = add_tags(write_noise(tmp_path / f"song{suffix}"), 3).read_bytes()
    copy = tmp_path / f"copy{suffix}"
    generator = np.random.default_rng(1)
    n_read = 0
    with Decoder() as decoder:
        for number in range(N_COPIES + 1):
            copy.write_bytes(damaged(whole, generator) if number else whole)
            try:
                audio_digest(copy)
                read_tags(copy)
                track = decoder.run(copy, load_track, TrackRequest(copy), CONFIG)
            except AudioError as error:
                assert error.reason
                continue
            n_read += 1
            assert np.isfinite(track.excerpts.samples).all()
    assert n_read


def damaged(whole: bytes, generator: np.random.Generator) -> bytes:
    """Bytes changed near the beginning or anywhere; sometimes cut, or a part repeated."""
    data = bytearray(whole)
    reach = min(len(whole), int(generator.choice([200, 3000, len(whole)])))
    for place in generator.integers(0, reach, int(generator.choice([1, 4, 30]))):
        data[place] = int(generator.choice([0, 255, generator.integers(256)]))
    if generator.random() < 0.2:
        del data[int(generator.integers(len(data))) :]
    if generator.random() < 0.1:
        start = int(generator.integers(len(data) or 1))
        data[start:start] = data[start : start + 1000] * 20
    return bytes(data)
