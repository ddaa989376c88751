"""Explanations of neighbours: stretches and the three aspects."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.audio.writing import write_audio
from embedder.errors import AudioError
from index.catalogue.records import TrackRecord
from index.catalogue.vector_rows import TrackExcerpts
from index.search.aspect_sound import SAMPLE_RATE, read_sound
from index.search.aspects import ASPECTS, Aspects, aspect_distances, aspects_of, closeness
from index.search.explain import N_STRETCHES, matching_stretches
from index.search.request import SearchRequest
from index.vectors.distances import Space
from tests.index.vector_library import library_of, unit_vectors

SECONDS = 8


def chords(
    semitones: int = 0, *, beats_per_second: float = 2.0, overtones: int = 3
) -> NDArray[np.float32]:
    """Eight seconds of a beating chord of three notes."""
    times = np.arange(SECONDS * SAMPLE_RATE) / SAMPLE_RATE
    samples = np.zeros(len(times))
    for step in (0, 4, 7):
        pitch = 220 * 2 ** ((step + semitones) / 12)
        for overtone in range(1, overtones + 1):
            samples += np.sin(2 * np.pi * pitch * overtone * times) / overtone
    return (0.1 * samples * (1 + np.cos(2 * np.pi * beats_per_second * times))).astype(np.float32)


def track_of(path: Path, samples: NDArray[np.float32], **stretch: float) -> TrackRecord:
    """A file of these samples as a track."""
    write_audio(path, samples[None], SAMPLE_RATE)
    return TrackRecord(1, str(path), **stretch)  # type: ignore[arg-type]  # names of seconds


def describe_aspects(track: TrackRecord) -> Aspects:
    """The aspects of a track's sound."""
    return aspects_of(read_sound(track))


def test_each_aspect_hears_its_own(tmp_path: Path) -> None:
    """Another tempo moves rhythm alone, another instrument timbre, another mode harmony."""
    plain = describe_aspects(track_of(tmp_path / "plain.wav", chords()))
    same = describe_aspects(track_of(tmp_path / "same.flac", chords()))
    assert aspect_distances(plain, same) == pytest.approx([0, 0, 0], abs=0.02)
    variants = {
        "rhythm": chords(beats_per_second=5.0),
        "timbre": chords(overtones=12),
        "harmony": chords() + chords(1),
    }
    usual = [
        aspect_distances(plain, describe_aspects(track_of(tmp_path / f"{name}.wav", samples)))
        for name, samples in variants.items()
    ]
    table = np.array(usual)  # [variant, aspect]
    for row, name in enumerate(variants):
        assert table[row, ASPECTS.index(name)] == table[:, ASPECTS.index(name)].max()


def test_harmony_survives_transposition(tmp_path: Path) -> None:
    """The same chord five semitones higher is as near as can be."""
    low = describe_aspects(track_of(tmp_path / "low.wav", chords()))
    high = describe_aspects(track_of(tmp_path / "high.wav", chords(5)))
    other = describe_aspects(track_of(tmp_path / "other.wav", chords() + chords(1)))
    assert aspect_distances(low, high)[2] < 0.1 < aspect_distances(low, other)[2]


def test_a_part_is_heard_as_a_part(tmp_path: Path) -> None:
    """Of a file of two halves each half sounds like itself."""
    halves = [chords(), chords(overtones=12)]
    path = tmp_path / "both.wav"
    track_of(path, np.concatenate(halves))
    middle = float(SECONDS)
    first = TrackRecord(1, str(path), start_seconds=0.0, end_seconds=middle)
    second = TrackRecord(2, str(path), start_seconds=middle, end_seconds=2 * middle)
    alone = describe_aspects(track_of(tmp_path / "alone.wav", halves[1]))
    near = aspect_distances(alone, describe_aspects(second))[0]
    assert near < aspect_distances(alone, describe_aspects(first))[0] / 3
    with pytest.raises(AudioError):
        describe_aspects(TrackRecord(3, str(tmp_path / "gone.wav")))


def test_closeness_is_a_share() -> None:
    """Nearer than all usual pairs is 1, farther than all is 0, equal to one of two is between."""
    usual = [np.array([1.0, 1.0, 1.0]), np.array([2.0, 2.0, 2.0])]
    shares = closeness(np.array([0.5, 3.0, 1.0]), usual)
    assert shares == {"timbre": 1.0, "rhythm": 0.0, "harmony": 0.75}


@pytest.mark.parametrize("n_query", [1, 2, 5])
def test_stretches_are_the_nearest_pairs(n_query: int) -> None:
    """As a loop over all pairs finds them; each stretch is named once."""
    query, hit = unit_vectors(n_query, seed=1), unit_vectors(4, seed=2)
    starts = np.arange(5, dtype=np.float32)
    stretches = matching_stretches(
        Space(),
        TrackExcerpts(query, starts[:n_query], 3.0),
        TrackExcerpts(hit, starts[:4], 3.0),
    )
    left = {(a, b): 1 - float(query[a] @ hit[b]) for a in range(n_query) for b in range(4)}
    for first, second, distance in stretches:
        nearest = min(left, key=lambda pair: left[pair])
        assert (first, second) == nearest
        assert distance == pytest.approx(left[nearest], abs=1e-6)
        left = {p: d for p, d in left.items() if p[0] != first and p[1] != second}
    assert len(stretches) == min(n_query, 4, N_STRETCHES)


def test_files_that_are_gone_still_have_stretches(tmp_path: Path) -> None:
    """Stored excerpts are compared; what needs the audio is left out."""
    library = library_of(tmp_path / "library", unit_vectors(8))
    for neighbour in library.search(SearchRequest(("1",), k=3, explain=True)).neighbours:
        reasons = neighbour.explanation or {}
        assert len(reasons["stretches"]) == 2
        assert reasons["stretches"][0]["seconds"] in ([0.0, 3.0], [5.0, 8.0])
        assert [reasons[name] for name in ASPECTS] == [None, None, None]
