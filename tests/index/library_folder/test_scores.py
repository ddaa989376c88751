"""Scores that are fitted to a library's own tags, and when they are fitted again."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from embedder.metrics.calibration import binary_reliability
from index.catalogue.ledger import Ledger
from index.library import Library
from index.library_folder.library_scores import LibraryScores, scores_in
from index.library_folder.score_fitting import keep_scores
from index.library_folder.upkeep import sync_store
from index.search.request import SearchRequest
from tests.index.vector_library import library_of

N_TRACKS = 300


def genres(n_tracks: int, *, seed: int = 0) -> tuple[NDArray[np.float32], list[Mapping[str, str]]]:
    """Vectors around ten centres of equal size, with the centre as genre and five artists each."""
    generator = np.random.default_rng(seed)
    centres = np.random.default_rng(99).standard_normal((10, 12))
    which = np.arange(n_tracks) % 10
    vectors = centres[which] + 1.2 * generator.standard_normal((n_tracks, 12))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    tags = [
        {"genre": f"Genre {genre}", "artist": f"Artist {genre} {generator.integers(5)}"}
        for genre in which.tolist()
    ]
    return vectors.astype(np.float32), list(tags)


def fitted(library: Library, *, is_forced: bool = False) -> LibraryScores | None:
    """The scores after `index` has ended."""
    with library.writing() as catalogue:
        store = sync_store(library, catalogue)
        assert store is not None
        keep_scores(catalogue, store, is_forced=is_forced)
        return scores_in(catalogue)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    library = library_of(tmp_path_factory.mktemp("scores") / "library", *genres(N_TRACKS))
    fitted(library)
    return library


def test_ten_equal_genres_give_a_random_pair_a_tenth(library: Library) -> None:
    """The mean score of all pairs is 0.1, and scores come true on tracks that are not there."""
    fresh, tags = genres(N_TRACKS, seed=1)
    stored, stored_tags = genres(N_TRACKS)
    scores = library.scoring.scores(1 - fresh @ stored.T)
    labels = np.array([t["genre"] for t in tags]), np.array([t["genre"] for t in stored_tags])
    is_alike = labels[0][:, None] == labels[1][None]
    assert scores.mean() == pytest.approx(0.1, abs=0.03)
    error = binary_reliability(scores.ravel(), is_alike.ravel(), n_bins=10).expected_error
    assert error < 0.03
    nearest = np.argsort(-scores, axis=1)[:, :10]
    rows = np.arange(N_TRACKS)[:, None]
    error = binary_reliability(scores[rows, nearest].ravel(), is_alike[rows, nearest].ravel())
    assert error.expected_error < 0.08


def test_a_search_shows_fitted_scores(library: Library) -> None:
    """The library says what its scores are about, and how near the nearest track is."""
    result = library.search(SearchRequest(("1",), k=3))
    assert result.notes == ()
    assert result.closeness is not None
    distances = [neighbour.distance for neighbour in result.neighbours]
    assert result.closeness.distance == distances[0]
    scores = [neighbour.score for neighbour in result.neighbours]
    assert scores == library.scoring.scores(np.array(distances)).tolist()
    report = library.report().to_json()
    assert report["scores"]["field"] == "genre"
    assert report["scores"]["n_tracks"] == N_TRACKS


def test_scores_are_fitted_again_if_labels_change(tmp_path: Path) -> None:
    """A few new tracks keep the curve; new labels, or many new tracks, do not."""
    library = library_of(tmp_path / "library", *genres(120))
    before = fitted(library)
    assert before is not None
    with library.writing() as catalogue:
        Ledger(catalogue).mark_gone([1, 2])
    assert fitted(library) == before
    with library.writing() as catalogue:
        catalogue.database.run("UPDATE tags SET value = 'Rock' WHERE value = 'Genre 1'")
        catalogue.database.run("UPDATE tags SET value = 'Rock' WHERE value = 'Genre 2'")
    after = fitted(library)
    assert after is not None
    assert after.alike_share > before.alike_share
    with library.writing() as catalogue:
        Ledger(catalogue).mark_gone(list(range(3, 30)))
    assert fitted(library) != after


def test_artists_stand_in_for_missing_genres(tmp_path: Path) -> None:
    """Without labels, and with the same label everywhere, scores are about artists."""
    vectors, tags = genres(100)
    artists = [{"artist": t["artist"]} for t in tags]
    for name, some in (("a", artists), ("b", [t | {"genre": "Jazz"} for t in artists])):
        scores = fitted(library_of(tmp_path / name, vectors, some))
        assert scores is not None
        assert (scores.state.field, scores.n_queries) == ("", 100)
        assert 0.01 < scores.alike_share < 0.03


def test_copies_are_no_pairs(tmp_path: Path) -> None:
    """A recording that is there twice is alike anyway, and is not its own nearest neighbour."""
    vectors, tags = genres(60)
    twice, digests = np.concatenate([vectors, vectors]), [*range(60), *range(60)]
    scores = fitted(library_of(tmp_path / "twice", twice, [*tags, *tags], digests=digests))
    assert scores is not None
    assert min(scores.nearest.quantiles) > 0.001


def test_a_few_tracks_without_tags_fit_nothing(tmp_path: Path) -> None:
    """The model's curve stays, and there is no usual distance."""
    library = library_of(tmp_path / "few", genres(9)[0])
    scores = fitted(library)
    assert scores is not None
    assert (scores.curve, scores.n_queries, scores.nearest.quantiles) == (None, 0, ())
    assert library.search(SearchRequest(("1",))).closeness is None
