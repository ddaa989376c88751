"""Encoding many files: order, child processes, failures, and no reading far ahead."""

import itertools
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from embedder.audio.writing import write_audio
from embedder.encoding import cores
from embedder.encoding.batched_network import BatchedForward
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.processes.encoder import EncoderProcess
from embedder.encoding.requests import (
    EncodingFailure,
    EncodingResult,
    TrackEncoding,
    TrackRequest,
)
from embedder.encoding.steps import EncodingSteps
from embedder.encoding.torch_runtime import TorchRuntime
from embedder.models.registry import load_model
from tests.embedder.encoding.songs import RATE, tune


def vectors(results: Iterable[EncodingResult]) -> list[np.ndarray]:
    """Each track's vector; every track must have one."""
    encodings = [result for result in results if isinstance(result, TrackEncoding)]
    return [encoding.vector for encoding in encodings]


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_many_tracks_come_in_input_order(
    encoder: TrackEncoder, songs: list[Path], workers: int
) -> None:
    """With any number of workers, results are in order and equal to those of single tracks."""
    together = list(encoder.encode_many(songs, workers=workers))
    assert [result.path for result in together] == songs
    for path, result in zip(songs, together, strict=True):
        assert isinstance(result, TrackEncoding)
        np.testing.assert_allclose(result.vector, encoder.encode(path).vector, atol=1e-4)


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> list[EncoderProcess]:
    """The child processes of `encode_many`, which start at once and are ready before use."""
    started: list[EncoderProcess] = []

    class ReadyProcess(EncoderProcess):
        def __init__(self, *args: Any, **settings: Any) -> None:
            super().__init__(*args, **settings)
            self._ready_thread.join()
            started.append(self)

    monkeypatch.setattr(cores, "START_AFTER_GROUPS", 0)
    monkeypatch.setattr(cores, "EncoderProcess", ReadyProcess)
    return started


def test_children_encode_as_this_process_does(
    encoder: TrackEncoder, songs: list[Path], children: list[EncoderProcess]
) -> None:
    """A second worker is a process that gives the same vectors, in order."""
    paths = songs * 3
    results = list(encoder.encode_many(paths, workers=2))
    assert len(children) == 1
    assert not children[0].is_gone
    assert [result.path for result in results] == paths
    np.testing.assert_allclose(
        vectors(results), [encoder.encode(p).vector for p in paths], atol=1e-4
    )


def test_a_child_reports_broken_files(
    encoder: TrackEncoder, songs: list[Path], tmp_path: Path, children: list[EncoderProcess]
) -> None:
    """A file that a child cannot read is a failure at its position."""
    broken = tmp_path / "broken.mp3"
    broken.write_text("this is no music")
    results = list(encoder.encode_many([songs[0], broken] * 9, workers=2))
    assert len(children) == 1
    assert [type(result) for result in results] == [TrackEncoding, EncodingFailure] * 9


def test_a_child_that_dies_loses_no_track(
    encoder: TrackEncoder, songs: list[Path], children: list[EncoderProcess]
) -> None:
    """The child's tracks are encoded again in the parent process."""
    results = []
    for n_results, result in enumerate(encoder.encode_many(songs * 6, workers=2)):
        if n_results == 30:
            children[0]._child.kill()
        results.append(result)
    assert children[0].is_gone
    assert [result.path for result in results] == songs * 6
    assert all(isinstance(result, TrackEncoding) for result in results)


def test_a_worker_uses_one_core(
    encoder: TrackEncoder, songs: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network runs in one thread, whatever torch's setting outside is."""
    n_threads_inside: list[int] = []
    run_network = BatchedForward.__call__

    def recorded(forward: BatchedForward, features: torch.Tensor) -> torch.Tensor:
        n_threads_inside.append(torch.get_num_threads())
        return run_network(forward, features)

    monkeypatch.setattr(BatchedForward, "__call__", recorded)
    in_torch = TrackEncoder(load_model(encoder.model.folder), device="cpu", precision="float32")
    n_threads_before = torch.get_num_threads()
    torch.set_num_threads(3)
    try:
        list(in_torch.encode_many(songs[:3], workers=1))
        assert torch.get_num_threads() == 3
    finally:
        torch.set_num_threads(n_threads_before)
    assert set(n_threads_inside) == {1}


def test_tracks_with_different_numbers_of_excerpts_share_a_batch(
    encoder: TrackEncoder, songs: list[Path], tmp_path: Path
) -> None:
    """Each track of a group has the vectors of its own excerpts."""
    short = tmp_path / "short.wav"
    write_audio(short, tune(1.5), RATE)
    model = load_model(encoder.model.folder)
    steps = EncodingSteps(TorchRuntime(model, device="cpu", precision="float32"))
    results = steps.encode_group([TrackRequest(path) for path in (short, songs[8])])
    encodings = [result for result in results if isinstance(result, TrackEncoding)]
    assert [len(encoding.excerpt_vectors) for encoding in encodings] == [1, 2]
    for encoding in encodings:
        np.testing.assert_allclose(encoding.vector, encoder.encode(encoding.path).vector, atol=1e-4)


def test_unordered_results_are_complete(encoder: TrackEncoder, songs: list[Path]) -> None:
    """Every track has one result, in any order."""
    results = list(encoder.encode_many(songs, workers=2, ordered=False))
    assert sorted(result.path for result in results) == songs


def test_one_broken_file_fails_alone(
    encoder: TrackEncoder, songs: list[Path], tmp_path: Path
) -> None:
    """Failures are records with a reason at their positions; the other tracks are encoded."""
    broken = tmp_path / "broken.mp3"
    broken.write_text("this is no music")
    silent = tmp_path / "silent.wav"
    write_audio(silent, np.zeros((1, 3 * RATE), dtype=np.float32), RATE)
    paths = [songs[0], broken, songs[1], silent, tmp_path / "missing.flac"]
    results = list(encoder.encode_many(paths, workers=2))
    assert [type(result) for result in results] == [
        TrackEncoding,
        EncodingFailure,
        TrackEncoding,
        EncodingFailure,
        EncodingFailure,
    ]
    reasons = [result.reason for result in results if isinstance(result, EncodingFailure)]
    assert "silence" in reasons[1]
    assert all(reason and "\n" not in reason for reason in reasons)


def test_parts_and_whole_files_can_be_mixed(encoder: TrackEncoder, songs: list[Path]) -> None:
    """`encode_many` takes parts of files (CUE sheets) together with whole files."""
    request = TrackRequest(songs[8], start_seconds=4.0, seconds=3.0)
    part, whole_track = encoder.encode_many([request, songs[8]], workers=1)
    assert isinstance(part, TrackEncoding)
    assert isinstance(whole_track, TrackEncoding)
    assert 4.0 <= part.starts_seconds[0] < 7.0
    assert not np.allclose(part.vector, whole_track.vector)


def test_an_endless_stream_can_be_left(encoder: TrackEncoder, songs: list[Path]) -> None:
    """Only a bounded number of files is read ahead."""
    n_opened = 0

    def endless() -> Iterator[Path]:
        nonlocal n_opened
        for path in itertools.cycle(songs):
            n_opened += 1
            yield path

    results = encoder.encode_many(endless(), workers=1)
    for _ in range(3):
        next(results)
    results.close()
    assert n_opened <= 3 * 16
