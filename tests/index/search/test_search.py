"""Results of a search: laws, limits, and names that are nearly right."""

from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from embedder.errors import ArtefactError, MissingAudio, NotFound, UnknownChoice, UsageError
from index.catalogue.where_sql import ids_where
from index.library import Library
from index.library_folder.model_notes import ModelNotes
from index.search.request import SearchRequest
from index.vectors.calibration import Calibration
from index.vectors.hubness import CORRECTIONS, Correction
from index.vectors.kinds import StoreSettings
from tests.index.vector_library import FINGERPRINT, library_of, unit_vectors

N_TRACKS = 80
VECTORS = unit_vectors(N_TRACKS)
TAGS = [
    {"artist": f"artist {row % 7}" if row % 5 else "", "album": f"album {row % 11}",
     "genre": f"genre {row % 3}", "title": f"title {row}"}
    for row in range(N_TRACKS)
]  # fmt: skip


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return library_of(tmp_path_factory.mktemp("search") / "library", VECTORS, TAGS)


def ids_of(library: Library, request: SearchRequest) -> list[int]:
    return [neighbour.track.id for neighbour in library.search(request).neighbours]


def by_hand(
    library: Library,
    point: NDArray[np.float32],
    request: SearchRequest,
    *,
    query_ids: set[int],
    allowed: set[int],
) -> list[int]:
    """The whole library in order of distance, limits applied one by one."""
    artists: Counter[str] = Counter()
    albums: Counter[str] = Counter()
    nearest_ids: list[int] = []
    distances = np.maximum(1 - VECTORS @ point, 0)
    scores = library.scoring.scores(distances)
    for row in np.lexsort((np.arange(N_TRACKS), distances)).tolist():
        artist, album = TAGS[row]["artist"], TAGS[row]["album"]
        is_full = artist and request.per_artist and artists[artist] >= request.per_artist
        is_full = is_full or (request.per_album and albums[album] >= request.per_album)
        is_low = request.min_score is not None and scores[row] < request.min_score
        if row + 1 in query_ids or row + 1 not in allowed or is_full or is_low:
            continue
        artists[artist] += 1
        albums[album] += 1
        nearest_ids.append(row + 1)
    return nearest_ids[: request.k]


@settings(deadline=None, max_examples=120)
@given(
    query_ids=st.lists(st.integers(1, N_TRACKS), min_size=1, max_size=3, unique=True),
    k=st.integers(1, N_TRACKS + 5),
    min_score=st.none() | st.floats(0, 1),
    per_artist=st.none() | st.integers(1, 4),
    per_album=st.none() | st.integers(1, 3),
    where=st.sampled_from(["", "genre='genre 1'", "id>70", "artist~5 or id<4", "genre=none"]),
)
def test_a_search_equals_a_loop(
    library: Library,
    query_ids: list[int],
    k: int,
    min_score: float | None,
    per_artist: int | None,
    per_album: int | None,
    where: str,
) -> None:
    """Filters, limits and counts are those of a loop over the whole library: k whenever k exist."""
    request = SearchRequest(
        tuple(map(str, query_ids)),
        k=k,
        min_score=min_score,
        where=where,
        per_artist=per_artist,
        per_album=per_album,
    )
    middle = VECTORS[np.array(query_ids) - 1].mean(axis=0)
    allowed = set(range(1, N_TRACKS + 1))
    if where:
        allowed = set(ids_where(library.catalogue, where).tolist())
    point = (middle / np.linalg.norm(middle)).astype(np.float32)
    if len(query_ids) == 1:
        point = VECTORS[query_ids[0] - 1]
    assert ids_of(library, request) == by_hand(
        library, point, request, query_ids=set(query_ids), allowed=allowed
    )


def test_a_track_is_its_own_nearest(library: Library) -> None:
    """Every track is the nearest to itself, before it is left out."""
    assert (library.nearest(VECTORS, 1)[1][:, 0] == np.arange(1, N_TRACKS + 1)).all()


def test_records_are_complete(library: Library) -> None:
    """Ranks count from 1; distance, score and percentile agree with each other and with numpy."""
    result = library.search(SearchRequest(("5",), k=N_TRACKS))
    neighbours = result.neighbours
    assert [n.rank for n in neighbours] == list(range(1, N_TRACKS))
    distances = [n.distance for n in neighbours]
    expected = [1 - float(VECTORS[4] @ VECTORS[n.track.id - 1]) for n in neighbours]
    assert distances == pytest.approx(expected, abs=1e-6)
    assert distances == sorted(distances)
    assert [n.score for n in neighbours] == sorted((n.score for n in neighbours), reverse=True)
    percentiles = [n.percentile or 0.0 for n in neighbours]
    assert percentiles == sorted(percentiles, reverse=True)
    assert 0.4 < float(np.mean(percentiles)) < 0.6, "over all tracks they are those of random pairs"
    assert set(result.to_json()) == {"query", "neighbours", "closeness"}
    assert [track.id for track in result.query] == [5]


@pytest.mark.parametrize("correction", CORRECTIONS)
def test_the_order_of_the_library_does_not_matter(
    library: Library, tmp_path: Path, correction: Correction
) -> None:
    """Indexed in another order, the same tracks come back in the same order."""
    order = np.random.default_rng(3).permutation(N_TRACKS)
    tags = [TAGS[row] | {"path": f"/music/{row}.mp3"} for row in order]
    other = library_of(tmp_path / "other", VECTORS[order], tags)
    here = SearchRequest(("/music/7.mp3", "/music/9.mp3"), per_artist=2, correction=correction)
    expected = [n.track.path for n in library.search(here).neighbours]
    assert [n.track.path for n in other.search(here).neighbours] == expected


@pytest.mark.parametrize("correction", ["csls", "mutual-proximity"])
def test_a_correction_changes_the_order_alone(library: Library, correction: Correction) -> None:
    """Distances and the number of neighbours stay the same, and some order differs."""
    differs = False
    for track in range(1, 11):
        plain = library.search(SearchRequest((str(track),), k=20))
        corrected = library.search(SearchRequest((str(track),), k=20, correction=correction))
        assert len(corrected.neighbours) == 20
        for neighbour in corrected.neighbours:
            true = 1 - float(VECTORS[track - 1] @ VECTORS[neighbour.track.id - 1])
            assert neighbour.distance == pytest.approx(true, abs=1e-6)
        differs |= [n.track.id for n in plain.neighbours] != [
            n.track.id for n in corrected.neighbours
        ]
    assert differs


def test_minus_takes_away(library: Library) -> None:
    """The neighbours are farther from the subtracted track, which is left out itself."""
    away = VECTORS[30]
    plain = library.search(SearchRequest(("3",), k=10)).neighbours
    moved = library.search(SearchRequest(("3",), minus=("31",), k=10)).neighbours
    means = [
        np.mean([1 - away @ VECTORS[n.track.id - 1] for n in neighbours])
        for neighbours in (plain, moved)
    ]
    assert means[1] > means[0]
    assert not {3, 31}.intersection(n.track.id for n in moved)


def test_copies_are_marked_or_left_out(tmp_path: Path) -> None:
    """A copy of the query's recording is marked; without duplicates each recording comes once."""
    vectors = np.repeat(unit_vectors(6), 2, axis=0)
    library = library_of(tmp_path / "library", vectors, digests=[row // 2 for row in range(12)])
    neighbours = library.search(SearchRequest(("1",), k=20)).neighbours
    assert [n.track.id for n in neighbours if n.is_duplicate] == [2]
    assert neighbours[0].track.id == 2
    assert neighbours[0].distance == pytest.approx(0, abs=1e-6)
    assert len(neighbours) == 11
    once = library.search(SearchRequest(("1",), k=20, with_duplicates=False)).neighbours
    assert sorted((n.track.id - 1) // 2 for n in once) == [1, 2, 3, 4, 5]


@pytest.mark.parametrize("kind", ["hnsw", "hnsw-sq8", "ivf-sq8"])
def test_k_come_whenever_k_exist(tmp_path: Path, kind: str) -> None:
    """Also through an approximate index, and with limits that use up most candidates."""
    vectors = unit_vectors(600)
    tags = [{"artist": f"artist {row % 30}"} for row in range(600)]
    library = library_of(tmp_path / "library", vectors, tags)
    library.rebuild_as(kind)
    assert library.store_settings == StoreSettings(kind)  # type: ignore[arg-type]  # one of them
    for k in (1, 10, 30, 599):
        assert len(library.search(SearchRequest(("5",), k=k)).neighbours) == k
    neighbours = library.search(SearchRequest(("5",), k=30, per_artist=1)).neighbours
    assert len({n.track.artist for n in neighbours}) == 30
    few = library.search(SearchRequest(("5",), k=3, where="id>597")).neighbours
    assert sorted(n.track.id for n in few) == [598, 599, 600]


def test_scores_without_tags_are_the_models(tmp_path: Path) -> None:
    """The odds are those of the model's card times the same factor, and a random pair has 0.1."""
    calibration = Calibration((0.0, 1.0, 2.0), (1.0, 0.25, 0.0))
    notes = ModelNotes(FINGERPRINT, calibration=calibration)
    library = library_of(tmp_path / "own", VECTORS, notes=notes)
    assert library.search(SearchRequest(("1",))).notes == ()
    distances = (1 - VECTORS @ VECTORS.T)[np.triu_indices(N_TRACKS, 1)]
    assert library.scoring.scores(distances).mean() == pytest.approx(0.1, abs=0.01)
    odds = [score / (1 - score) for score in library.scoring.scores(np.array([1.0, 1.5, 2.0]))]
    least = 0.005 / 0.995
    assert odds[0] / odds[2] == pytest.approx((0.25 / 0.75) / least)
    assert odds[1] == pytest.approx((odds[0] * odds[2]) ** 0.5), "straight in log-odds"
    plain = library_of(tmp_path / "plain", VECTORS[:20]).search(SearchRequest(("1",)))
    assert "no calibration" in plain.notes[0]


def test_a_librarys_own_correction_goes_before_the_models(tmp_path: Path) -> None:
    """It is stored, used as the default of searches, and can be reset to the model's."""
    notes = ModelNotes(FINGERPRINT, correction="csls")
    library = library_of(tmp_path / "library", VECTORS, notes=notes)
    assert library.scoring.correction == "csls"
    library.set_correction("mutual-proximity")
    assert library.scoring.correction == "mutual-proximity"
    library.set_correction("model")
    assert library.scoring.correction == "csls"
    with pytest.raises(UnknownChoice, match="Did you mean csls"):
        library.set_correction("cls")


def test_names_that_are_nearly_right(library: Library) -> None:
    """A wrong id names the range, a wrong path the closest; a folder says what to do."""
    with pytest.raises(NotFound, match=r"no track has the id 811\. Ids go from 1 to "):
        library.search(SearchRequest(("811",)))
    with pytest.raises(NotFound, match=r"Do you mean /music/7.mp3\?"):
        library.search(SearchRequest(("/musik/7.mp3",)))
    with pytest.raises(UsageError, match="no track of the library is in this folder"):
        library.search(SearchRequest((str(library.folder),)))


def test_bad_requests(tmp_path: Path) -> None:
    """Numbers out of range and empty questions are usage errors."""
    with pytest.raises(UsageError, match="no track"):
        SearchRequest(())
    for wrong in ({"k": 0}, {"per_artist": 0}, {"per_album": -1}):
        with pytest.raises(UsageError, match="give 1 or more"):
            SearchRequest(("1",), **wrong)  # type: ignore[arg-type]  # one of three names
    with pytest.raises(UsageError, match="from 0 to 1"):
        SearchRequest(("1",), min_score=1.5)


def test_a_library_of_one_track(tmp_path: Path) -> None:
    """An empty answer is no error."""
    library = library_of(tmp_path / "library", VECTORS[:1])
    for correction in CORRECTIONS:
        assert library.search(SearchRequest(("1",), correction=correction)).neighbours == ()


def test_a_file_needs_the_librarys_model(library: Library, tmp_path: Path) -> None:
    """If the model is missing, the message names it and says what to do."""
    song = tmp_path / "song.mp3"
    song.write_bytes(b"not much")
    with pytest.raises(ArtefactError, match=f"{FINGERPRINT}.*models import"):
        library.search(SearchRequest((str(song),)))
    with pytest.raises((NotFound, MissingAudio), match=r"gone\.mp3"):
        library.search(SearchRequest((str(tmp_path / "gone.mp3"),)))


def test_what_filters_kept_away_is_told(library: Library) -> None:
    """With explain, each track that an unfiltered search would bring has its reason."""
    reasons: set[str] = set()
    for track in range(1, 9):
        request = SearchRequest((str(track),), k=10, per_artist=1, explain=True)
        filtered = replace(request, where="genre='genre 1'")
        result = library.search(filtered)
        came = {n.track.id for n in result.neighbours}
        free = ids_of(library, SearchRequest((str(track),), k=10))
        assert result.left_out is not None
        assert [left.track.id for left in result.left_out] == [i for i in free if i not in came]
        for left in result.left_out:
            is_other = TAGS[left.track.id - 1]["genre"] != "genre 1"
            assert left.reason == ("where" if is_other else "per-artist")
            reasons.add(left.reason)
    assert reasons == {"where", "per-artist"}
