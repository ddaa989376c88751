"""Samples that are not numbers, or absurdly loud, never reach a vector."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.config.presets import MODELS
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, TrackEncoding
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.embedder.hostile_files import write_float_wav

Samples = NDArray[np.float64]
NOISE = 0.1 * np.random.default_rng(0).standard_normal(4 * 44_100)
PLACES = np.random.default_rng(1).random(len(NOISE))


def with_share(share: float, value: float) -> Samples:
    """Noise of which a share has another value."""
    return np.where(share > PLACES, value, NOISE)


DAMAGED = {
    "nearly all NaN": with_share(0.99, np.nan),
    "most NaN": with_share(0.6, np.nan),
    "infinities": np.where(PLACES < 0.5, np.inf, -np.inf),
    "1e38": with_share(0.99, 1e38),
    "1e38 of both signs": np.where(PLACES < 0.5, 1e38, -1e38),
}
ODD = {
    "some NaN": with_share(0.1, np.nan),
    "an infinity": with_share(0.001, np.inf),
    "some 1e38": with_share(0.1, -1e38),
    "the loudest": NOISE * 60_000,
    "the smallest": with_share(0.5, 1e-45),
}


@pytest.fixture(scope="module")
def encode(tmp_path_factory: pytest.TempPathFactory) -> Callable[[Path], object]:
    """The result of a small model for a file."""
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(folder, seeded_network(MODELS["tiny"], seed=0))
    encoder = TrackEncoder.load(folder, device="cpu")
    return lambda path: next(iter(encoder.encode_many([path], workers=1)))


@pytest.mark.parametrize("name", DAMAGED)
def test_a_file_of_mostly_broken_numbers_is_refused(
    name: str, encode: Callable[[Path], object], tmp_path: Path
) -> None:
    """NaN, infinities and values beyond every level are damage, and the reason says so."""
    result = encode(write_float_wav(tmp_path / "song.wav", DAMAGED[name]))
    assert isinstance(result, EncodingFailure)
    assert "samples are not numbers, or absurdly loud" in result.reason


@pytest.mark.parametrize("name", ODD)
def test_a_few_broken_numbers_are_silenced(
    name: str, encode: Callable[[Path], object], tmp_path: Path
) -> None:
    """The file has a vector, and every number of it is finite."""
    result = encode(write_float_wav(tmp_path / "song.wav", ODD[name]))
    assert isinstance(result, TrackEncoding)
    assert np.isfinite(result.vector).all()
    assert np.linalg.norm(result.vector) == pytest.approx(1.0, abs=1e-3)
