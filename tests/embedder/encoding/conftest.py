"""An encoder and songs that the tests of encoding share."""

from pathlib import Path

import pytest

from embedder.audio.writing import write_audio
from embedder.config.presets import MODELS
from embedder.encoding.encoder import TrackEncoder
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from tests.embedder.encoding.songs import RATE, tune


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> TrackEncoder:
    folder = tmp_path_factory.mktemp("models") / "tiny"
    save_model(folder, seeded_network(MODELS["tiny"], seed=0))
    return TrackEncoder.load(folder, device="cpu", precision="float32")


@pytest.fixture(scope="module")
def songs(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Nine songs of several lengths and pitches."""
    folder = tmp_path_factory.mktemp("songs")
    paths = []
    for number in range(9):
        path = folder / f"{number}.{('wav', 'flac', 'mp3')[number % 3]}"
        write_audio(path, tune(2.5 + number, pitch_hz=110.0 * (number + 1), seed=number), RATE)
        paths.append(path)
    return paths
