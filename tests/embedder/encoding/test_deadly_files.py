"""A file that kills its decoder, or never ends, costs a run only itself."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from embedder.config.model import ModelConfig
from embedder.config.presets import MODELS
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.processes import decoder
from embedder.encoding.processes.decoder import DecoderProcess
from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.errors import UnreadableAudio
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from embedder.processes.child import start_child
from tests.embedder.hostile_files import write_wav

REASONS = {
    "segv": "the decoder crashed on it",
    "killed": "the decoder crashed on it",
    "hang": "decoding it took more than 2 s",
    "hungry": "decoding it takes more memory than there is",
}


@pytest.fixture
def song(tmp_path: Path) -> Path:
    """Four seconds of noise."""
    path = tmp_path / "song.flac"
    noise = 0.1 * np.random.default_rng(0).standard_normal(4 * 22_050)
    write_audio(path, noise.astype(np.float32), 22_050)
    return path


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch) -> None:
    """Decoders die of some files, and have little time."""

    def start(_: str, *arguments: str, **settings: Any) -> "subprocess.Popen[bytes]":
        return start_child("tests.embedder.encoding.deadly_decoder", *arguments, **settings)

    decoder.end_early_child()
    monkeypatch.setattr(decoder, "start_child", start)
    monkeypatch.setattr(decoder, "PATIENCE_SECONDS", 2.0)


@pytest.mark.usefixtures("deadly")
@pytest.mark.parametrize("fate", REASONS)
def test_a_decoders_death_is_the_failure_of_its_file(fate: str, song: Path) -> None:
    """A crash, a kill, a hang and memory that runs out are failures; the next file is read."""
    hostile = song.with_name(f"{fate}-1.flac")
    shutil.copy(song, hostile)
    with DecoderProcess(ModelConfig()) as process:
        with pytest.raises(UnreadableAudio, match=f"{fate}-1.flac: {REASONS[fate]}"):
            process.load(TrackRequest(hostile))
        assert len(process.load(TrackRequest(song)).samples) > 0


def test_a_decoder_that_was_killed_gets_its_file_again(song: Path) -> None:
    """A child that something else ended is no failure of the file that it had."""
    with DecoderProcess(ModelConfig()) as process:
        process.start()
        assert process._child is not None
        process._child.process.kill()
        assert len(process.load(TrackRequest(song)).samples) > 0


def test_a_decoder_cannot_take_all_memory(song: Path) -> None:
    """The child's address space is bounded, so that the machine's memory does not run out."""
    with DecoderProcess(ModelConfig()) as process:
        process.load(TrackRequest(song))
        assert process._child is not None
        limits = Path(f"/proc/{process._child.process.pid}/limits")
        if not limits.exists():
            pytest.skip("this system does not tell a process's limits")
        line = next(x for x in limits.read_text().splitlines() if x.startswith("Max address space"))
    assert 4 * 2**30 < int(line.split()[3]) < 16 * 2**30


@pytest.mark.usefixtures("deadly")
@pytest.mark.parametrize("fate", REASONS)
def test_a_single_worker_outlives_an_odd_file(fate: str, song: Path, tmp_path: Path) -> None:
    """With one worker, a hostile file among good ones is the only failure."""
    hostile = write_wav(tmp_path / f"{fate}-1.wav", sample_rate=384_000, n_frames=200_000)
    save_model(tmp_path / "tiny", seeded_network(MODELS["tiny"], seed=0))
    encoder = TrackEncoder.load(tmp_path / "tiny", device="cpu")
    first, failed, last = encoder.encode_many([song, hostile, song], workers=1)
    assert isinstance(failed, EncodingFailure)
    assert failed.reason == REASONS[fate]
    assert isinstance(first, TrackEncoding)
    assert isinstance(last, TrackEncoding)
