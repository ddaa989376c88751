"""Matching stretches of the bundled model, which stores one vector a track."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from index.library import Library
from index.search.listening import N_TRACKS
from index.search.request import SearchRequest
from index.search.results import QueryResult

RATE = 22_050
PASSAGE_SECONDS = 8.0
PASSAGE_STARTS = {"first.wav": 6.0, "second.wav": 31.0}
STRETCH_SECONDS = 3.02


def notes(seconds: float, seed: int, *, lowest: float, n_overtones: int) -> np.ndarray:
    """Struck notes at random, with overtones and some noise."""
    chance = np.random.default_rng(seed)
    times = np.arange(round(seconds * RATE)) / RATE
    samples = 0.003 * n_overtones * chance.standard_normal(len(times))
    step = round(chance.uniform(0.2, 0.5) * RATE)
    for begin in range(0, len(times), step):
        pitch = lowest * 2 ** (int(chance.integers(0, 12)) / 12)
        since = times[: min(RATE, len(times) - begin)]
        for overtone in range(1, n_overtones + 1):
            tone = np.sin(2 * np.pi * pitch * overtone * since) * np.exp(-6 * since)
            samples[begin : begin + len(tone)] += 0.15 / overtone * tone
    return samples.astype(np.float32)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs that have eight seconds in common, at different times, and others."""
    folder = tmp_path_factory.mktemp("music")
    passage = notes(PASSAGE_SECONDS, 1, lowest=500.0, n_overtones=2)
    for seed, (name, start) in enumerate(PASSAGE_STARTS.items(), start=2):
        song = notes(45.0, seed, lowest=70.0 * seed, n_overtones=9)
        first = round(start * RATE)
        song[first : first + len(passage)] = passage
        write_audio(folder / name, song, RATE)
    for seed in range(4, 6 + N_TRACKS):
        song = notes(12.0, seed, lowest=60.0 + 20 * seed, n_overtones=seed)
        write_audio(folder / f"{seed}.wav", song, RATE)
    return folder


@pytest.fixture(scope="module")
def library(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Library:
    """The songs in a library of the bundled model."""
    made = Library.open_or_create(tmp_path_factory.mktemp("library") / "library")
    made.index([music], model="default")
    return made


def explained(library: Library, music: Path, *, listen: bool = True) -> QueryResult:
    """The first song's neighbours, with reasons."""
    return library.search(
        SearchRequest((str(music / "first.wav"),), k=8, explain=True, listen=listen)
    )


def stretches_of(result: QueryResult, name: str) -> list[dict]:
    (neighbour,) = [n for n in result.neighbours if Path(n.track.path).name == name]
    assert neighbour.explanation is not None
    stretches: list[dict] = neighbour.explanation["stretches"]
    return stretches


def test_a_shared_passage_is_named(library: Library, music: Path) -> None:
    """Its times in both songs, to within one stretch."""
    result = library.search(
        SearchRequest(
            (str(music / "first.wav"),), k=1, where="path~second", explain=True, listen=True
        )
    )
    for stretch in stretches_of(result, "second.wav")[:2]:
        for name, field in zip(PASSAGE_STARTS, ("query_seconds", "seconds"), strict=True):
            begin, end = stretch[field]
            assert begin >= PASSAGE_STARTS[name] - STRETCH_SECONDS
            assert end <= PASSAGE_STARTS[name] + PASSAGE_SECONDS + STRETCH_SECONDS
            assert end - begin == pytest.approx(STRETCH_SECONDS, abs=0.02)


def test_only_the_nearest_tracks_are_heard(library: Library, music: Path) -> None:
    """Farther neighbours have the one stretch that the model stored."""
    result = explained(library, music)
    n_stretches = [len(stretches_of(result, Path(n.track.path).name)) for n in result.neighbours]
    assert n_stretches[:N_TRACKS] == [3] * N_TRACKS
    assert set(n_stretches[N_TRACKS:]) == {1}


def test_a_search_that_does_not_listen_opens_no_file(library: Library, music: Path) -> None:
    """What the model stored is named: the 30 seconds in the middle, at most."""
    stretches = stretches_of(explained(library, music, listen=False), "second.wav")
    assert [stretch["query_seconds"] for stretch in stretches] == [[7.5, 37.5]]


def test_a_lost_file_has_the_stretch_that_was_stored(music: Path, tmp_path: Path) -> None:
    """It is said why."""
    lost = tmp_path / "music" / "lost.wav"
    lost.parent.mkdir()
    for name in ("4.wav", "5.wav"):
        (lost.parent / name).write_bytes((music / name).read_bytes())
    lost.write_bytes((music / "6.wav").read_bytes())
    told: list[str] = []
    with Library.open_or_create(tmp_path / "library", warn=told.append) as library:
        library.index([lost.parent], model="default")
        lost.unlink()
        result = library.search(str(lost.parent / "4.wav"), explain=True, listen=True)
        assert len(stretches_of(result, "lost.wav")) == 1
        assert len(stretches_of(result, "5.wav")) == 3
        library.search(str(lost.parent / "4.wav"), explain=True, listen=True)
    assert [text.split(":")[0] for text in told] == [str(lost)]


def test_stretches_of_a_part_of_a_file_count_from_its_beginning(
    music: Path, tmp_path: Path
) -> None:
    """As the page and players do, whether they are heard or stored."""
    folder = tmp_path / "disc"
    folder.mkdir()
    (folder / "disc.wav").write_bytes((music / "first.wav").read_bytes())
    (folder / "disc.cue").write_text(
        'FILE "disc.wav" WAVE\n'
        "  TRACK 01 AUDIO\n    TITLE one\n    INDEX 01 00:00:00\n"
        "  TRACK 02 AUDIO\n    TITLE two\n    INDEX 01 00:20:00\n"
    )
    with Library.open_or_create(tmp_path / "library") as library:
        library.index([folder], model="default")
        for listen in (True, False):
            result = library.search(SearchRequest(("1",), explain=True, listen=listen))
            stretches = stretches_of(result, "disc.wav")
            for stretch in stretches:
                for begin, end in (stretch["query_seconds"], stretch["seconds"]):
                    assert 0 <= begin < end <= 25
        assert [stretch["seconds"][0] for stretch in stretches] == [0]
