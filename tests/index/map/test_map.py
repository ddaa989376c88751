"""The map's layout: what is stored, which tracks move, and its quality."""

import shutil
import warnings
from pathlib import Path

import numpy as np
import pytest

from embedder.config.model import GeometryKind
from embedder.errors import NotFound, UnknownChoice, UsageError
from embedder.geometry import geometry_of
from embedder.metrics.neighbourhood import trustworthiness
from index.library import Library
from index.map import quality
from index.map.fields import OTHER, UNKNOWN, chosen_field, map_field, map_fields, tag_field
from index.map.layout import LayoutSettings, place
from index.map.library_map import map_of
from index.map.neighbours import NearTable, near_table
from index.map.quality import misleads, preservation, trust
from index.map.request import MapRequest
from index.map.saved import layout_path
from index.vectors.distances import Space
from tests.index.map.map_library import MapLibrary
from tests.index.toy_encoder import ToyEncoder
from tests.index.vector_library import library_of, unit_vectors


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> MapLibrary:
    """A library of 90 tracks whose map is made."""
    map_library = MapLibrary(tmp_path_factory.mktemp("map") / "library", n_genres=4)
    with map_library.grow(90) as library:
        map_of(library)
    return map_library


def test_the_same_seed_gives_the_same_map(grown: MapLibrary) -> None:
    """Laid out twice, every coordinate is equal; another seed gives another map."""
    with Library.open(grown.folder) as library:
        first = map_of(library, MapRequest(is_fresh=True, seed=0))
        other = map_of(library, MapRequest(seed=1))
        again = map_of(library, MapRequest(is_fresh=True, seed=0))
    np.testing.assert_array_equal(first.coordinates, again.coordinates)
    assert not np.array_equal(first.coordinates, other.coordinates)


def test_new_tracks_move_no_old_one(tmp_path: Path) -> None:
    """Tracks that come later are placed among their neighbours, and the others stay to the bit."""
    map_library = MapLibrary(tmp_path / "library", n_genres=4)
    with map_library.grow(80) as library:
        before = map_of(library)
    with map_library.grow(20, seed=1) as library:
        after = map_of(library)
        library.remove([1, 2])
        less = map_of(library)
    np.testing.assert_array_equal(before.coordinates, after.coordinates[:80])
    assert (before.n_placed, after.n_placed, less.n_placed) == (0, 20, 20)
    assert after.preservation[80:].mean() > 0.5
    np.testing.assert_array_equal(after.coordinates[2:], less.coordinates)
    assert [track.id for track in less.tracks] == list(range(3, 101))


def test_genres_stay_together(grown: MapLibrary) -> None:
    """Tracks of a genre are near each other, by the figures too."""
    with Library.open(grown.folder) as library:
        drawn = map_of(library)
        genre = map_field(library, drawn, "genre")
    assert drawn.trust is not None
    assert drawn.trust.value > 0.9
    apart = np.linalg.norm(drawn.coordinates[:, None] - drawn.coordinates[None], axis=2)
    np.fill_diagonal(apart, np.inf)
    assert (genre.codes[apart.argmin(axis=1)] == genre.codes).mean() > 0.8


def test_a_map_in_space_is_kept_beside_the_flat_one(grown: MapLibrary) -> None:
    """Two and three dimensions are two files, and settings that are not given stay as they were."""
    with Library.open(grown.folder) as library:
        deep = map_of(library, MapRequest(dimensions=3, neighbours=8, min_distance=0.4))
        again = map_of(library, MapRequest(dimensions=3))
    assert deep.coordinates.shape == (90, 3)
    assert again.settings == LayoutSettings(3, 8, 0.4, 0)
    np.testing.assert_array_equal(deep.coordinates, again.coordinates)
    assert {layout_path(grown.folder, n).exists() for n in (2, 3)} == {True}


def test_a_damaged_layout_is_laid_out_anew(
    grown: MapLibrary, caplog: pytest.LogCaptureFixture
) -> None:
    """A warning says so, and the new map equals the old one."""
    with Library.open(grown.folder) as library:
        before = map_of(library, MapRequest(is_fresh=True, seed=0))
        path = layout_path(grown.folder, 2)
        path.write_bytes(path.read_bytes()[:300])
        after = map_of(library, MapRequest(seed=0))
    assert "damaged" in caplog.text
    np.testing.assert_array_equal(before.coordinates, after.coordinates)


@pytest.mark.parametrize("n_tracks", [1, 2, 3, 14])
@pytest.mark.parametrize("dimensions", [2, 3])
def test_few_tracks_are_drawn_by_principal_components(
    tmp_path: Path, n_tracks: int, dimensions: int
) -> None:
    """From a single track on there is a map, and it is finite."""
    with MapLibrary(tmp_path / "library").grow(n_tracks) as library:
        drawn = map_of(library, MapRequest(dimensions))
    assert drawn.method == "pca"
    assert drawn.coordinates.shape == (n_tracks, dimensions)
    assert np.isfinite(drawn.coordinates).all()
    assert (drawn.trust is None) == (n_tracks < 4)


def test_tracks_that_are_all_the_same_have_a_map(tmp_path: Path) -> None:
    """Where nothing differs, the layout is finite all the same, and no warning is raised."""
    with MapLibrary(tmp_path / "library").grow(30) as library:
        with library.writing() as catalogue:
            catalogue.database.run(
                "UPDATE vectors SET vector = (SELECT vector FROM vectors LIMIT 1), revision = 9, "
                "checksum = row_checksum(track_id, (SELECT vector FROM vectors LIMIT 1))"
            )
            catalogue.revisions.advance()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            drawn = map_of(library)
    assert np.isfinite(drawn.coordinates).all()


def test_a_map_of_another_library_is_not_taken(tmp_path: Path) -> None:
    """Nor is one of the same library before its catalogue was restored: ids say nothing there."""
    first, second = (
        library_of(tmp_path / str(seed), unit_vectors(20, seed=seed)) for seed in (1, 2)
    )
    expected = map_of(first).coordinates
    map_of(second)
    shutil.copy(second.folder / "map-2d.npz", first.folder / "map-2d.npz")
    np.testing.assert_array_equal(map_of(first).coordinates, expected)


def test_an_empty_library_says_what_to_do(tmp_path: Path) -> None:
    """There is nothing to draw, and the message names the commands that change it."""
    (tmp_path / "music").mkdir()
    with Library.open_or_create(tmp_path / "library") as library:
        library.index([tmp_path / "music"], encoder=ToyEncoder())
        with pytest.raises(NotFound, match="soundalike index"):
            map_of(library)


@pytest.mark.parametrize(
    "wrong",
    [MapRequest(4), MapRequest(neighbours=1), MapRequest(min_distance=2.0), MapRequest(seed=-1)],
    ids=["dimensions", "neighbours", "min_distance", "seed"],
)
def test_wrong_settings_are_refused(grown: MapLibrary, wrong: MapRequest) -> None:
    """The message names the option."""
    with Library.open(grown.folder) as library, pytest.raises(UsageError, match="--"):
        map_of(library, wrong)


def test_neighbours_are_the_true_ones(grown: MapLibrary) -> None:
    """They equal those of a plain loop over all pairs, and no track is its own neighbour."""
    with Library.open(grown.folder) as library:
        ids = library.store.ids()
        vectors = library.vectors(ids)
        near = near_table(library, ids, vectors, k=7)
    for row, vector in enumerate(vectors):
        distances = 1 - vectors @ vector
        distances[row] = np.inf
        assert set(near.rows[row]) == set(np.argsort(distances)[:7])
        assert (np.diff(near.distances[row]) >= 0).all()


def test_preservation_is_counted_as_a_loop_would() -> None:
    """The share of true neighbours among the nearest on the map, track by track."""
    rng = np.random.default_rng(3)
    places = rng.standard_normal((60, 2)).astype(np.float32)
    rows = np.stack([rng.permutation(60)[:10] for _ in range(60)]).astype(np.int32)
    shares = preservation(NearTable(rows, np.zeros((60, 10), np.float32)), places)
    for row in range(60):
        apart = np.linalg.norm(places - places[row], axis=1)
        around = set(np.argsort(apart)[:11])
        assert shares[row] == pytest.approx(len(around & set(rows[row])) / 10)
    assert (misleads(shares) == (shares < 0.25)).all()


@pytest.mark.parametrize("kind", ["cosine", "euclidean", "poincare"])
def test_trustworthiness_is_that_of_the_metrics(kind: GeometryKind) -> None:
    """In each geometry it equals what `embedder.metrics` finds; a sample comes close to all."""
    rng = np.random.default_rng(5)
    vectors = (0.1 * rng.standard_normal((200, 8))).astype(np.float32)
    places = (vectors[:, :2] + 0.05 * rng.standard_normal((200, 2))).astype(np.float32)
    quality = trust(vectors, places, space=Space(kind), seed=0)
    expected = trustworthiness(vectors, places, k=10, geometry=geometry_of(kind))
    assert quality is not None
    assert quality.value == pytest.approx(expected, abs=1e-4)


def test_a_large_map_is_judged_by_a_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sample's figure lies near that of all tracks, and says how large it was."""
    rng = np.random.default_rng(6)
    vectors = rng.standard_normal((1500, 6)).astype(np.float32)
    whole = trust(vectors, vectors[:, :2], space=Space("euclidean"), seed=0)
    monkeypatch.setattr(quality, "MOST_JUDGED_WHOLLY", 1000)
    sample = trust(vectors, vectors[:, :2], space=Space("euclidean"), seed=0)
    assert whole is not None
    assert sample is not None
    assert (whole.n_tracks, sample.n_tracks) == (1500, 1000)
    assert sample.value == pytest.approx(whole.value, abs=0.02)
    assert sample.value != whole.value


def test_a_track_placed_beside_its_twin_lies_there() -> None:
    """A new track with one near neighbour comes to lie nearer to it than to the others."""
    rng = np.random.default_rng(0)
    old_places = rng.uniform(-10, 10, (50, 2)).astype(np.float32)
    rows = np.array([[7, 1, 2, 3, 4]], dtype=np.int32)
    far = np.array([[0.0, 1.9, 1.9, 1.9, 1.9]], dtype=np.float32)
    placed = place(old_places, NearTable(rows, far), LayoutSettings(neighbours=5))
    assert np.linalg.norm(old_places - placed, axis=1).argmin() == 7


def test_every_field_has_a_category_for_every_track(grown: MapLibrary) -> None:
    """Codes are within the labels, their counts sum up, and the chosen field comes first."""
    with Library.open(grown.folder) as library:
        fields = map_fields(library, map_of(library), first="bpm")
    assert fields[0].name == "bpm"
    assert {"genre", "artist", "year", "duration_seconds", "preservation"} <= {
        field.name for field in fields
    }
    for field in fields:
        assert sum(field.counts) == 90
        assert len(field.labels) == len(field.swatches) == len(field.counts)
        assert len(field.labels) <= 23


def test_an_unknown_field_lists_the_fields(grown: MapLibrary) -> None:
    """The message lists the fields and suggests the nearest one."""
    with Library.open(grown.folder) as library:
        with pytest.raises(UnknownChoice, match=r"album, artist.*Did you mean genre"):
            chosen_field(library, "gener")
        assert chosen_field(library, None) == "genre"
        assert chosen_field(library, "Genre") == "genre"


def test_spellings_are_one_category_and_the_rest_is_other() -> None:
    """Case does not matter, several values count for the commonest, small ones are "other"."""
    values = [("rock",), ("Rock",), ("Rock; Pop",), ("Pop",), (), ("Rock", "Jazz")]
    field = tag_field("genre", values)
    assert field.labels == ("Rock", "Pop", UNKNOWN)
    assert field.codes.tolist() == [0, 0, 0, 1, 2, 0]
    many = tag_field("genre", [(f"genre {n}",) for n in range(40)] + [()])
    assert many.labels[-2:] == (OTHER, UNKNOWN)
    assert many.counts[-2:] == (19, 1)


def test_numbers_become_steps_in_order() -> None:
    """A tag that is nearly always a number is cut into steps of about equally many tracks."""
    field = tag_field("bpm", [(str(60 + n),) for n in range(70)] + [()])
    assert field.is_ordered
    assert len(field.labels) == 8
    assert field.labels[0] == "60 – 69"
    assert field.labels[-1] == UNKNOWN
    assert max(field.counts[:7]) - min(field.counts[:7]) <= 1
