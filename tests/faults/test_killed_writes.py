"""Commands that write one file, or one transaction, killed at random calls: all or nothing."""

import json
import random
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedder.models.registry import load_model
from index.library import Library
from index.playlists.files.files import read_playlist
from tests.embedder.models.get.checkpoint_files import synthetic_wheel
from tests.faults.processes import Ended, Workshop, open_workshop
from tests.faults.workshop import WHEEL_VARIABLE
from tests.index.vector_library import library_of, unit_vectors

GOLDEN = Path(__file__).parents[1] / "golden"
N_TRACKS, N_EVENTS = 12, 40


def moments(uninterrupted: Ended, *, n_kills: int, seed: int) -> list[int]:
    """The numbers of the calls at which to kill; half of them among the last, where files move."""
    generator, n_calls = random.Random(seed), uninterrupted.n_calls
    assert (uninterrupted.code, n_calls > 10) == (0, True), uninterrupted.err
    last = max(n_calls - 60, 1)
    starts = [1 if number % 2 else last for number in range(n_kills)]
    return [generator.randrange(start, n_calls) for start in starts]


@pytest.fixture
def library(tmp_path: Path) -> Path:
    """A library of twelve tracks with names."""
    tags = [{"artist": f"artist {n}", "title": f"title {n}"} for n in range(N_TRACKS)]
    library_of(tmp_path / "library", unit_vectors(N_TRACKS), tags).close()
    return tmp_path / "library"


def test_a_killed_playlist_leaves_the_old_file_or_the_new_one(
    workshop: Workshop, tmp_path: Path, library: Path
) -> None:
    """With --force on an existing list; what is left beside it goes with the next command."""
    output = tmp_path / "lists" / "list.m3u8"
    at = ("--library", library, "playlist")
    assert workshop.run(*at, "1", "--length", 3, "--seed", 1, "-o", output).code == 0
    old = output.read_bytes()
    line = (*at, "9", "--length", 5, "--seed", 1, "-o", output, "--force")
    uninterrupted = workshop.run(*line, after="write_playlist")
    new = output.read_bytes()
    assert new != old
    for moment in moments(uninterrupted, n_kills=5, seed=1):
        output.write_bytes(old)
        killed = workshop.run(*line, after="write_playlist", die_at=moment)
        assert killed.code == -9
        assert output.read_bytes() in (old, new)
        assert workshop.run(*line).code == 0
        assert len(read_playlist(output)) == len(new.split(b"\n#EXTINF")) - 1


@pytest.mark.parametrize("number", [1, 5])
def test_a_killed_migration_of_an_old_library_loses_nothing(
    workshop: Workshop, tmp_path: Path, number: int
) -> None:
    """The next command brings the catalogue up to date, with all its tracks."""
    golden = GOLDEN / f"library_format_{number}"
    shutil.copytree(golden, tmp_path / "whole")
    line = ("library", "list", "--limit", "1")
    uninterrupted = workshop.run("--library", tmp_path / "whole", *line, after="_migrate")
    expected = tracks_of(tmp_path / "whole")
    assert expected
    for turn, moment in enumerate(moments(uninterrupted, n_kills=5, seed=number)):
        folder = tmp_path / f"library {turn}"
        shutil.copytree(golden, folder)
        at = ("--library", folder, *line)
        assert workshop.run(*at, after="_migrate", die_at=moment).code == -9
        assert workshop.run(*at).code == 0
        assert tracks_of(folder) == expected


def tracks_of(folder: Path) -> list[object]:
    """The tracks of a sound library, with their vectors."""
    with Library.open(folder, warn=pytest.fail) as opened:
        assert opened.verify() == []
        tracks = list(opened.all_tracks())
        vectors = opened.vectors([track.id for track in tracks])
        return list(zip(tracks, vectors.tolist(), strict=True))


def test_a_killed_import_of_events_stores_all_or_none(
    workshop: Workshop, tmp_path: Path, library: Path
) -> None:
    """The next import stores each event once."""
    history = tmp_path / "history.json"
    listens = [
        {"artist": f"artist {n % N_TRACKS}", "title": f"title {n % N_TRACKS}", "time": 100 + n}
        for n in range(N_EVENTS)
    ]
    history.write_text(json.dumps(listens))
    shutil.copytree(library, tmp_path / "whole")
    line = ("taste", "import", history)
    uninterrupted = workshop.run("--library", tmp_path / "whole", *line, after="import_events")
    for turn, moment in enumerate(moments(uninterrupted, n_kills=5, seed=3)):
        folder = tmp_path / f"library {turn}"
        shutil.copytree(library, folder)
        at = ("--library", folder, *line)
        assert workshop.run(*at, after="import_events", die_at=moment).code == -9
        assert n_events(folder) in (0, N_EVENTS)
        assert workshop.run(*at).code == 0
        assert n_events(folder) == N_EVENTS


def n_events(folder: Path) -> int:
    with Library.open(folder) as opened:
        return len(opened.taste.report().events)


@pytest.fixture(scope="module")
def getting(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workshop]:
    """Command lines with `models get` imported."""
    folder = tmp_path_factory.mktemp("getting")
    preload = ("cli.app", "cli.commands.models", "embedder.models.get.getting")
    with open_workshop(folder, setup="offer", preload=preload) as opened:
        yield opened


@pytest.mark.slow
def test_a_killed_models_get_leaves_no_half_model(getting: Workshop, tmp_path: Path) -> None:
    """There is no model, or a whole one; the next `models get` stores it."""
    wheel, models = tmp_path / "musicnn.whl", tmp_path / "models"
    synthetic_wheel(wheel)
    line = ("models", "get", "musicnn", "--as", "mine", "--file", wheel, "--force")
    environment = {WHEEL_VARIABLE: str(wheel), "SOUNDALIKE_MODELS": str(models)}
    uninterrupted = getting.run(*line, after="get_offer", environment=environment)
    expected = load_model(models / "mine").card.fingerprint
    for moment in moments(uninterrupted, n_kills=5, seed=4):
        shutil.rmtree(models)
        killed = getting.run(*line, after="get_offer", die_at=moment, environment=environment)
        assert killed.code == -9
        if (models / "mine").exists():
            assert load_model(models / "mine").card.fingerprint == expected
        assert getting.run(*line, environment=environment).code == 0
        assert load_model(models / "mine").card.fingerprint == expected
