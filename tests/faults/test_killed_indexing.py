"""`soundalike index` killed at random moments: the next run gives the uninterrupted result."""

import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from index.library import Library
from tests.faults.processes import Workshop
from tests.index.toy_encoder import tag_wav, write_wav

N_FILES = 12
Content = dict[str, tuple[str, bytes]]


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Files with a genre each."""
    for number in range(N_FILES):
        tag_wav(write_wav(tmp_path / "music" / f"{number:02}.wav", number), genre=f"g{number % 3}")
    return tmp_path / "music"


def content_of(folder: Path) -> Content:
    """Genre and vector of each track by path; fails if the library is damaged."""
    with Library.open(folder) as library:
        assert library.verify() == []
        tracks = list(library.all_tracks())
        ids = [track.id for track in tracks]
        assert library.store.ids().tolist() == ids
        vectors = library.vectors(ids) if ids else np.empty((0, 8), dtype=np.float32)
        return {
            track.path: (track.genre, vector.tobytes())
            for track, vector in zip(tracks, vectors, strict=True)
        }


def changed(music: Path) -> None:
    """Remove, move, retag, change and add files."""
    for number in range(3):
        (music / f"{number:02}.wav").unlink()
    (music / "03.wav").rename(music / "moved.wav")
    tag_wav(music / "04.wav", genre="new")
    write_wav(music / "05.wav", 1008, n_samples=80)
    for number in range(6):
        write_wav(music / f"more {number}.wav", 2000 + number)


def check_kills(workshop: Workshop, tmp_path: Path, music: Path, *, seeds: range) -> None:
    """Kill `index --prune` at random calls; each time the next run has the expected content."""
    old, expected_folder = tmp_path / "old", tmp_path / "expected"
    assert workshop.run("--library", old, "index", music).code == 0
    before = content_of(old)
    changed(music)
    shutil.copytree(old, expected_folder)
    line = ("index", "--prune", music)
    uninterrupted = workshop.run("--library", expected_folder, *line, after="writing")
    assert uninterrupted.code == 0, uninterrupted.err
    expected = content_of(expected_folder)
    assert len(expected) == N_FILES - 3 + 6
    n_killed = 0
    for seed in seeds:
        folder = tmp_path / f"library {seed}"
        shutil.copytree(old, folder)
        moment = random.Random(seed).randrange(1, uninterrupted.n_calls)
        ended = workshop.run("--library", folder, *line, after="writing", die_at=moment)
        n_killed += ended.code == -9
        between = content_of(folder)
        may_be = set(before.items()) | set(expected.items())
        assert {vector for _, (_, vector) in between.items()} <= {v for _, (_, v) in may_be}
        assert workshop.run("--library", folder, *line).code == 0
        assert content_of(folder) == expected, f"seed {seed}, call {moment}"
        shutil.rmtree(folder)
    assert n_killed > len(seeds) * 0.8


def test_killed_pruning_ends_as_if_uninterrupted(
    workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """Ten kills of `index --prune`: no track is lost, and the next run has the same result."""
    check_kills(workshop, tmp_path, music, seeds=range(10))


@pytest.mark.slow
def test_pruning_killed_fifty_times(workshop: Workshop, tmp_path: Path, music: Path) -> None:
    """Fifty kills at other moments."""
    check_kills(workshop, tmp_path, music, seeds=range(100, 150))
