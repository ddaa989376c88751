"""A file that kills its decoder, or never ends, costs a run only itself."""

import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import soundalike
from embedder.audio import decoders
from embedder.audio.writing import write_audio
from embedder.config.model import ModelConfig
from embedder.config.presets import MODELS
from embedder.encoding import cores
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.processes.decoder import DecoderProcess
from embedder.encoding.processes.encoder import EncoderProcess
from embedder.encoding.requests import EncodingFailure, TrackEncoding, TrackRequest
from embedder.encoding.runtime import RuntimeName
from embedder.errors import UnreadableAudio
from embedder.models.kinds.network import save_model
from embedder.models.registry import load_model
from embedder.networks.network import seeded_network
from embedder.processes.child import start_child
from tests.embedder.encoding.deadly_ffmpeg import deadly_site
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

    decoders.end_early_child()
    monkeypatch.setattr(decoders, "start_child", start)
    monkeypatch.setattr(decoders, "PATIENCE_SECONDS", 2.0)


def test_a_deadly_file_raises_in_a_python_program(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`read_whole` and `encode` of one file decode in a child; the program goes on."""
    decoders.end_early_child()
    monkeypatch.setenv("PYTHONPATH", str(deadly_site(tmp_path / "site")))
    hostile = song.with_name("segv.flac")
    shutil.copy(song, hostile)
    save_model(tmp_path / "tiny", seeded_network(MODELS["tiny"], seed=0))
    encoder = TrackEncoder.load(tmp_path / "tiny", device="cpu")
    with decoders.Decoders() as own:
        monkeypatch.setattr(decoders, "_shared", own)
        for read in (encoder.encode, soundalike.read_whole):
            with pytest.raises(UnreadableAudio, match="the decoder crashed on it"):
                read(hostile)
        assert len(soundalike.read_whole(song).samples) == 4 * 22_050
        assert encoder.encode(song).duration_seconds == 4.0


@pytest.mark.usefixtures("deadly")
@pytest.mark.parametrize("fate", REASONS)
def test_a_decoders_death_is_the_failure_of_its_file(fate: str, song: Path) -> None:
    """A crash, a kill, a hang and memory that runs out are failures; the next file is read."""
    hostile = song.with_name(f"{fate}-1.flac")
    shutil.copy(song, hostile)
    with DecoderProcess(ModelConfig()) as process:
        with pytest.raises(UnreadableAudio, match=f"{fate}-1.flac: {REASONS[fate]}"):
            process.load(TrackRequest(hostile))
        assert len(process.load(TrackRequest(song)).excerpts.samples) > 0


def test_a_decoder_that_was_killed_gets_its_file_again(song: Path) -> None:
    """A child that something else ended is no failure of the file that it had."""
    with DecoderProcess(ModelConfig()) as process:
        process.start()
        assert process._child is not None
        process._child.process.kill()
        assert len(process.load(TrackRequest(song)).excerpts.samples) > 0


def test_a_decoder_cannot_take_all_memory(song: Path) -> None:
    """The child's address space is bounded, so that the machine's memory does not run out."""
    with DecoderProcess(ModelConfig()) as process:
        process.load(TrackRequest(song))
        assert process._child is not None
        limits = limits_of(process._child.process.pid)
    assert 4 * 2**30 < int(limits["Max address space"]) < 16 * 2**30
    assert 60 <= int(limits["Max cpu time"]) < 600


def test_a_file_that_kills_encoding_children_costs_only_itself(
    song: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """With two workers, a real crash of FFmpeg in a child is one failure; a new child follows."""
    started: list[EncoderProcess] = []

    class ReadyProcess(EncoderProcess):
        def __init__(self, *arguments: Any, **settings: Any) -> None:
            super().__init__(*arguments, **settings)
            self._ready_thread.join()
            started.append(self)

    monkeypatch.setattr(cores, "START_AFTER_GROUPS", 0)
    monkeypatch.setattr(cores, "EncoderProcess", ReadyProcess)
    decoders.end_early_child()
    monkeypatch.setenv("PYTHONPATH", str(deadly_site(tmp_path / "site")))
    hostile = song.with_name("segv.flac")
    shutil.copy(song, hostile)
    save_model(tmp_path / "tiny", seeded_network(MODELS["tiny"], seed=0))
    encoder = TrackEncoder.load(tmp_path / "tiny", device="cpu")
    paths = [hostile] * 8 + [song] * 24
    results = list(encoder.encode_many(paths, workers=2))
    failures = [result for result in results if isinstance(result, EncodingFailure)]
    assert [failure.path for failure in failures] == [hostile] * 8
    assert {failure.reason for failure in failures} == {"the decoder crashed on it"}
    assert len(started) > 1
    assert started[0]._child.poll() == -signal.SIGSEGV


@pytest.mark.parametrize("runtime", ["arrays", "torch"])
def test_an_encoding_child_works_within_bounds(
    song: Path, tmp_path: Path, runtime: RuntimeName
) -> None:
    """Its memory and its time on the processor are bounded, and either runtime runs within both."""
    folder = tmp_path / "tiny"
    save_model(folder, seeded_network(MODELS["tiny"], seed=0))
    model = load_model(folder)
    child = EncoderProcess(
        folder,
        fingerprint=model.fingerprint,
        embedding_size=model.embedding_size,
        precision="auto",
        runtime=runtime,
    )
    try:
        child._ready_thread.join()
        results = child.encode_group([TrackRequest(song)])
        assert results is not None
        assert isinstance(results[0], TrackEncoding)
        limits = limits_of(child._child.pid)
    finally:
        child.close()
    assert 4 * 2**30 < int(limits["Max address space"]) < 24 * 2**30
    assert 60 < int(limits["Max cpu time"]) < 600


def test_a_child_that_is_left_alone_ends_by_its_processor_time(tmp_path: Path) -> None:
    """If a run is killed while a child hangs in a file, the system ends the child."""
    code = (
        "from embedder.processes.limits import limit_cpu_time\n"
        "limit_cpu_time(0.2)\n"
        "while True: pass\n"
    )
    run = subprocess.run([sys.executable, "-c", code], check=False, timeout=120)
    assert run.returncode == -signal.SIGXCPU


def limits_of(pid: int) -> dict[str, str]:
    """A process's limits by their names; skips the test where the system does not tell."""
    path = Path(f"/proc/{pid}/limits")
    if not path.exists():
        pytest.skip("this system does not tell a process's limits")
    rows = path.read_text().splitlines()[1:]
    return {row[:26].strip(): row[26:].split()[0] for row in rows}


@pytest.mark.usefixtures("deadly")
@pytest.mark.parametrize("fate", REASONS)
def test_a_single_worker_outlives_a_deadly_file(fate: str, song: Path, tmp_path: Path) -> None:
    """With one worker, a hostile file among good ones is the only failure."""
    hostile = write_wav(tmp_path / f"{fate}-1.wav", n_frames=200_000)
    save_model(tmp_path / "tiny", seeded_network(MODELS["tiny"], seed=0))
    encoder = TrackEncoder.load(tmp_path / "tiny", device="cpu")
    first, failed, last = encoder.encode_many([song, hostile, song], workers=1)
    assert isinstance(failed, EncodingFailure)
    assert failed.reason == REASONS[fate]
    assert isinstance(first, TrackEncoding)
    assert isinstance(last, TrackEncoding)
