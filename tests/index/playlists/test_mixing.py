"""Orders for a DJ: of a new playlist, and of an existing list."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from embedder.errors import BadInput, UsageError
from index.catalogue.ledger import Ledger
from index.library import Library
from index.playlists.request import Arc, PlaylistRequest
from index.playlists.ways.mixing import MixValues, best_path, step_costs, tempo_gaps
from tests.index.playlists.playlist_library import Song, write_library

N = 12
CAMELOT = [f"{1 + at % 12}{'AB'[at % 2]}" for at in range(N)]


@pytest.fixture(scope="module")
def measured_library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """Twelve tracks whose tempo and energy rise with the id, with much the same sound."""
    songs = [Song(f"Song {at}", artist=f"Artist {at}") for at in range(N)]
    vectors = 1 + 0.1 * np.random.default_rng(0).standard_normal((N, 4)).astype(np.float32)
    with write_library(tmp_path_factory.mktemp("mix") / "library", songs, vectors) as library:
        with library.writing() as catalogue, catalogue.database.transaction():
            for at in range(N):
                fields = {"tempo": f"{100 + 5 * at}", "energy": f"{0.08 * at:.2f}"}
                fields["camelot"] = CAMELOT[at]
                rows = [(at + 1, f"measured.{name}", value) for name, value in fields.items()]
                Ledger(catalogue).put_measurements(rows)
        yield library


def values_of(tempi: list[float], hours: list[float], energies: list[float]) -> MixValues:
    return MixValues(np.array(tempi), np.array(hours), np.zeros(len(tempi)), np.array(energies))


def test_half_and_double_tempo_are_the_same() -> None:
    """64 can be mixed with 128, and 90 with neither."""
    gaps = tempo_gaps(np.array([64.0, 128.0, 90.0]))
    assert gaps[0, 1] == 0
    assert gaps[0, 2] > np.log2(1.06)


def test_a_step_costs_more_the_less_it_fits() -> None:
    """Beside the same track: a tempo 10 % away, a key three hours away, and another energy."""
    values = values_of([120, 120, 132, 120, 120], [0, 0, 0, 3, 0], [0.5, 0.5, 0.5, 0.5, 0.9])
    costs = step_costs(values, np.zeros((5, 5)))
    assert costs[0, 1] == 0
    assert (costs[0, 2:] > 0.5).all()
    assert np.allclose(costs, costs.T)


def test_what_is_unknown_neither_fits_nor_clashes() -> None:
    """A track without a tempo or key costs a finite step."""
    costs = step_costs(values_of([np.nan, 120], [np.nan, 0], [np.nan, 1]), np.full((2, 2), np.nan))
    assert np.isfinite(costs).all()


@pytest.mark.parametrize("first", [None, 3])
def test_the_path_is_near_the_best_of_all(first: int | None) -> None:
    """Of seven tracks, within a tenth of the cheapest of all orders; a first track stays first."""
    from itertools import permutations

    points = np.random.default_rng(4).uniform(size=(7, 2))
    costs = np.linalg.norm(points[:, None] - points, axis=2)
    orders = [order for order in permutations(range(7)) if first in (None, order[0])]
    cheapest = min(sum(costs[a, b] for a, b in itertools.pairwise(o)) for o in orders)
    path = best_path(costs, first=first)
    assert sorted(path) == list(range(7))
    assert first in (None, path[0])
    assert sum(costs[a, b] for a, b in itertools.pairwise(path)) < 1.1 * cheapest


def test_an_existing_list_keeps_its_entries(measured_library: Library, tmp_path: Path) -> None:
    """All tempi but one follow within 6 %; a repeated track stays, an unknown one is last."""
    shuffled = [int(at) for at in np.random.default_rng(1).permutation(N)]
    paths = [track.path for track in measured_library.tracks([at + 1 for at in shuffled])]
    listed = [*paths[:4], "/elsewhere/unknown.mp3", *paths[4:], paths[0]]
    (tmp_path / "list.m3u8").write_text("\n".join(listed))
    playlist = measured_library.playlist(PlaylistRequest(order=tmp_path / "list.m3u8"))
    assert sorted(place.track.path for place in playlist.tracks) == sorted(listed)
    assert playlist.tracks[-1].track.path == "/elsewhere/unknown.mp3"
    tempi = [float(place.measured["tempo"]) for place in playlist.tracks[:-1]]
    steps = np.abs(np.diff(np.log2(tempi)))
    assert (steps > np.log2(1.06)).sum() <= 1
    assert "not in the library" in playlist.notes[0]


def test_a_mix_starts_with_its_seed_and_stays_near_its_tempo(measured_library: Library) -> None:
    """Five tracks from the first one on, in the order of their tempo."""
    request = PlaylistRequest(("1",), length=5, mix=True, seed=1, spacing=0)
    playlist = measured_library.playlist(request)
    tempi = [float(place.measured["tempo"]) for place in playlist.tracks]
    assert playlist.tracks[0].track.id == 1
    assert max(tempi) <= 130
    assert playlist.value_fields == ("tempo", "camelot", "energy")


@pytest.fixture(scope="module")
def mixed_tempi(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """40 tracks of five artists: every second one at 100 to 104, the others at 130 to 169."""
    rng = np.random.default_rng(2)
    songs = [Song(f"Song {at}", artist=f"Artist {at % 5}") for at in range(40)]
    vectors = 1 + 0.1 * rng.standard_normal((40, 4)).astype(np.float32)
    with write_library(tmp_path_factory.mktemp("tempi") / "library", songs, vectors) as library:
        with library.writing() as catalogue, catalogue.database.transaction():
            tempi = [130 + at if at % 2 else 100 + at % 5 for at in range(40)]
            rows = [(at + 1, "measured.tempo", f"{tempo}") for at, tempo in enumerate(tempi)]
            Ledger(catalogue).put_measurements(rows)
        yield library


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_mix_keeps_tempo_and_spacing_where_it_can(mixed_tempi: Library, seed: int) -> None:
    """Twelve tracks within 6 % of each other, none too near to one of its artist."""
    request = PlaylistRequest(("1",), length=12, mix=True, seed=seed, spacing=2, per_artist=4)
    playlist = mixed_tempi.playlist(request)
    tempi = [float(place.measured["tempo"]) for place in playlist.tracks]
    artists = [place.track.artist for place in playlist.tracks]
    assert np.abs(np.diff(np.log2(tempi))).max() <= np.log2(1.06)
    assert all(len(set(artists[at : at + 3])) == 3 for at in range(10))
    assert not [note for note in playlist.notes if "tempo" in note or "spacing" in note]


def test_a_mix_says_which_steps_do_not_fit(mixed_tempi: Library) -> None:
    """Only four tracks of the first artist have a tempo near the seed's."""
    request = PlaylistRequest(
        ("1",), where="artist='Artist 0'", length=7, mix=True, seed=1, spacing=0, per_artist=9
    )
    playlist = mixed_tempi.playlist(request)
    tempi = [float(place.measured["tempo"]) for place in playlist.tracks]
    n_clashes = int((np.abs(np.diff(np.log2(tempi))) > np.log2(1.06)).sum())
    assert n_clashes > 1
    assert any(note.startswith(f"{n_clashes} of 6 steps change") for note in playlist.notes)


def test_an_arc_follows_measured_energy(measured_library: Library) -> None:
    """The short name stands for the measured field."""
    request = PlaylistRequest(where="energy<2", arc=Arc("energy", "rise"), length=6, seed=1)
    energies = [place.value or 0.0 for place in measured_library.playlist(request).tracks]
    assert energies == sorted(energies)
    assert len(set(energies)) == 6


def test_an_arc_in_a_library_that_was_not_measured_says_so(library: Library) -> None:
    """It names the command that measures."""
    with pytest.raises(BadInput, match="soundalike index"):
        library.playlist(PlaylistRequest(("1",), arc=Arc("energy", "rise")))


def test_a_tag_comes_before_what_was_measured(library: Library) -> None:
    """The tag bpm serves as the tempo."""
    request = PlaylistRequest(where="genre=rock", arc=Arc("tempo", "fall"), length=5, seed=1)
    tempi = [place.value or 0.0 for place in library.playlist(request).tracks]
    assert tempi == sorted(tempi, reverse=True)


def test_an_order_stands_alone() -> None:
    """No other option chooses its tracks, and a mix has no other order."""
    with pytest.raises(UsageError, match="length"):
        PlaylistRequest(order=Path("a.m3u8"), length=3)
    with pytest.raises(UsageError, match="leave out --to"):
        PlaylistRequest(("1",), to="2", mix=True)
