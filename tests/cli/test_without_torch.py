"""The everyday commands on a CPU, in processes that cannot import torch."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from mutagen.flac import FLAC

from embedder.audio.writing import write_audio
from embedder.encoding.encoder import TrackEncoder
from embedder.models.registry import load_model
from tests.embedder.encoding.songs import RATE, tune

REFUSES = "raise ImportError('torch must not be imported here')\n"


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three songs, one of which is not in the library, and packages that cannot be imported."""
    folder = tmp_path_factory.mktemp("without-torch")
    (folder / "music").mkdir()
    for number in range(3):
        target = folder / "new.wav" if number == 2 else folder / "music" / f"{number}.flac"
        write_audio(target, tune(3.0, pitch_hz=150.0 * (number + 1), seed=number), RATE)
        if target.suffix == ".flac":
            tags = FLAC(target)
            tags["genre"] = ["Rock", "Jazz"][number]
            tags.save()
    for name in ("torch", "torchaudio"):
        (folder / "stub" / name).mkdir(parents=True)
        (folder / "stub" / name / "__init__.py").write_text(REFUSES)
    return folder


def run(place: Path, *arguments: str) -> str:
    """What a command prints in a process of its own, which cannot import torch."""
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join([str(place / "stub"), *sys.path]),
        "CUDA_VISIBLE_DEVICES": "",
        "SOUNDALIKE_LIBRARY": str(place / "library"),
        "SOUNDALIKE_MODELS": str(place / "models"),
    }
    ended = subprocess.run(
        [sys.executable, "-m", "cli", *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def indexed(place: Path) -> Path:
    run(place, "index", str(place / "music"))
    return place


def test_index_and_query_need_no_torch(indexed: Path) -> None:
    """`query FILE` analyses a file that the library does not know; distances are torch's."""
    new = indexed / "new.wav"
    hits = json.loads(run(indexed, "--json", "query", str(new)))
    encoder = TrackEncoder(load_model("default"), device="cpu", precision="float32")
    vector = encoder.encode(new).vector
    for hit in hits["neighbours"]:
        distance = 1 - float(np.dot(vector, encoder.encode(hit["path"]).vector))
        assert hit["distance"] == pytest.approx(distance, abs=1e-4)
    assert len(hits["neighbours"]) == 2


@pytest.mark.parametrize("command", [["label"], ["playlist", "--length", "2"]])
def test_label_and_playlist_need_no_torch(indexed: Path, command: list[str]) -> None:
    """A file that the library does not know can be labelled, and start a playlist."""
    name, *options = command
    assert json.loads(run(indexed, "--json", name, str(indexed / "new.wav"), *options)) is not None
