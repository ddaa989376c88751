"""Held-out scores: whole-ranking precision, artists apart, unreadable tracks left out."""

import dataclasses
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from torch import nn

from embedder.config.model import FrontEndConfig
from embedder.errors import AudioError, DatasetError
from embedder.features.building import build_front_end
from embedder.geometry import Cosine
from embedder.training.feeding.frozen_vectors import VectorSource, first_of_each
from embedder.training.train import open_run
from embedder.training.validation import HeldOut, Measured
from tests.embedder.small_sets import small_config, write_array_set

N_QUERIES, N_REFERENCES = 8, 40
UNKNOWN = np.full(N_QUERIES + N_REFERENCES, -1)


def random_vectors(n: int) -> NDArray[np.float32]:
    vectors = np.random.default_rng(5).normal(size=(n, 6)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def source_of(vectors: NDArray[np.float32]) -> VectorSource:
    n_tracks = len(vectors)
    first_rows = first_of_each(np.ones(n_tracks, dtype=np.int64))
    return VectorSource(torch.from_numpy(vectors), first_rows, np.arange(n_tracks))


def held_out(source: VectorSource, *, groups: NDArray[np.int64] = UNKNOWN) -> HeldOut:
    """The first tracks are queries, the others references, with three labels in turn."""
    return HeldOut(
        source=source,
        queries=np.arange(N_QUERIES),
        references=np.arange(N_QUERIES, N_QUERIES + N_REFERENCES),
        labels=np.arange(N_QUERIES + N_REFERENCES) % 3,
        groups=groups,
        tags=None,
        n_labels=3,
        geometry=Cosine(),
        n_neighbours=5,
        device=torch.device("cpu"),
    )


def measured(held_out_tracks: HeldOut) -> Measured:
    """The scores; the source has vectors, so the network changes nothing."""
    return held_out_tracks.measure(nn.Flatten(), build_front_end(FrontEndConfig(kind="waveform")))


def expected_map(vectors: NDArray[np.float32], is_relevant: NDArray[np.bool_]) -> float:
    similarity = vectors[:N_QUERIES] @ vectors[N_QUERIES:].T
    pairs = zip(is_relevant, similarity, strict=True)
    return float(np.mean([average_precision_score(truth, near) for truth, near in pairs]))


def test_map_is_over_the_whole_ranking() -> None:
    """It equals scikit-learn's average precision over all references, for any number of voters."""
    vectors = random_vectors(N_QUERIES + N_REFERENCES)
    held_out_tracks = held_out(source_of(vectors))
    same = (
        held_out_tracks.labels[held_out_tracks.queries][:, None]
        == held_out_tracks.labels[held_out_tracks.references]
    )
    assert measured(held_out_tracks).scores["map"] == pytest.approx(
        expected_map(vectors, same), abs=1e-6
    )


def test_tag_map_is_over_the_whole_ranking() -> None:
    """A reference is relevant if it shares a tag with the query."""
    vectors = random_vectors(N_QUERIES + N_REFERENCES)
    tags = (np.random.default_rng(2).random((len(vectors), 5)) < 0.3).astype(np.float32)
    tags[:N_QUERIES, 0] = tags[N_QUERIES, 0] = 1
    held_out_tracks = dataclasses.replace(held_out(source_of(vectors)), tags=tags)
    shared = tags[held_out_tracks.queries] @ tags[held_out_tracks.references].T > 0
    expected = pytest.approx(expected_map(vectors, shared), abs=1e-6)
    assert measured(held_out_tracks).scores["tag_map"] == expected


@pytest.fixture
def next_to_own_artist() -> HeldOut:
    """Each query has one artist's reference at its own place, of another label, and five
    references of its own label near it.
    """
    generator = np.random.default_rng(0)
    queries = random_vectors(N_QUERIES)
    near = np.repeat(queries, 5, axis=0) + 0.05 * generator.normal(size=(N_REFERENCES, 6))
    near[::5] = queries
    vectors = np.concatenate([queries, near]).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    artists = np.concatenate([np.arange(N_QUERIES), np.arange(N_REFERENCES) + N_QUERIES])
    artists[N_QUERIES::5] = np.arange(N_QUERIES)
    labels = np.concatenate([np.zeros(N_QUERIES), np.zeros(N_REFERENCES)]).astype(np.int64)
    labels[N_QUERIES::5] = 1
    held_out_tracks = held_out(source_of(vectors), groups=artists)
    return dataclasses.replace(held_out_tracks, labels=labels, n_labels=2, n_neighbours=1)


def test_a_query_never_votes_by_its_own_artist(next_to_own_artist: HeldOut) -> None:
    """The nearest reference, by the same artist and with another label, has no vote."""
    assert measured(next_to_own_artist).scores["accuracy"] == 1.0


def test_map_ignores_the_own_artist(next_to_own_artist: HeldOut) -> None:
    """The artist's nearer reference does not lower the precision."""
    vectors = next_to_own_artist.source.vectors.numpy()  # type: ignore[attr-defined]  # a VectorSource
    groups, labels = next_to_own_artist.groups, next_to_own_artist.labels
    values = []
    for query in range(N_QUERIES):
        allowed_rows = np.flatnonzero(groups[N_QUERIES:] != query) + N_QUERIES
        truth = labels[allowed_rows] == labels[query]
        values.append(average_precision_score(truth, vectors[allowed_rows] @ vectors[query]))
    expected = pytest.approx(np.mean(values), abs=1e-6)
    assert measured(next_to_own_artist).scores["map"] == expected


class WithUnreadable(VectorSource):
    """A source with tracks that can no longer be read."""

    __slots__ = ()

    def excerpts(self, row: int) -> torch.Tensor:
        """Raise an error for the unreadable rows."""
        if row in (2, 11):
            raise AudioError(f"{row}.wav", "broken")
        return super().excerpts(row)


def test_unreadable_tracks_are_left_out_of_both_sides() -> None:
    """The scores equal those of the readable tracks alone."""
    vectors = random_vectors(N_QUERIES + N_REFERENCES)
    source = source_of(vectors)
    broken = WithUnreadable(source.vectors, source.first_rows, source.dataset_rows)
    plain = held_out(source)
    without_artist = dataclasses.replace(
        plain,
        queries=np.delete(plain.queries, 2),
        references=np.delete(plain.references, 11 - N_QUERIES),
    )
    assert measured(held_out(broken)).scores == measured(without_artist).scores


def test_no_readable_track_is_an_error() -> None:
    """Without readable tracks, nothing can be measured."""
    source = source_of(random_vectors(N_QUERIES + N_REFERENCES))
    broken = WithUnreadable(source.vectors, source.first_rows, source.dataset_rows)
    held_out_tracks = dataclasses.replace(held_out(broken), queries=np.array([2]))
    with pytest.raises(DatasetError, match="none of 1 tracks can be read"):
        measured(held_out_tracks)


def test_a_run_keeps_held_out_artists_apart(tmp_path: Path) -> None:
    """If an artist is on both sides of a stored split, its own references do not vote."""
    data = write_array_set(tmp_path / "data")
    table = (data / "tracks.csv").read_text().splitlines()
    swapped = [
        line.replace("training", "validation") if number % 5 == 1 else line
        for number, line in enumerate(table)
    ]
    (data / "tracks.csv").write_text("\n".join(swapped) + "\n")
    run = open_run(data, small_config(epochs=1), tmp_path / "run")
    artists = np.array([row.artist for row in run.dataset.rows])
    queries, references = run.held_out.queries, run.held_out.references
    assert set(artists[queries]) & set(artists[references])
    result = run.held_out.measure(run.start.network, run.start.front_end)
    neighbours = artists[references[result.ranking.rows]]
    assert (neighbours != artists[queries][:, None]).all()
