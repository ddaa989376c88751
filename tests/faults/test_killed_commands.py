"""Other commands that write to a library, killed at random moments."""

import random
import shutil
from pathlib import Path

import pytest

from index.indexing.tags import read_tags
from index.labels.files.journal import read_journal
from index.library import Library
from tests.faults.processes import Workshop
from tests.faults.test_killed_indexing import content_of
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

N_FILES = 12


@pytest.fixture
def music(tmp_path: Path) -> Path:
    """Files, half of them with a genre."""
    for number in range(N_FILES):
        path = write_wav(tmp_path / "music" / f"{number:02}.wav", number)
        if number % 2:
            tag_wav(path, genre="jazz")
    return tmp_path / "music"


def moments(n_calls: int, *, n_kills: int, seed: int) -> list[int]:
    """The numbers of the calls at which to kill."""
    generator = random.Random(seed)
    return [generator.randrange(1, n_calls) for _ in range(n_kills)]


def check_rebuild(workshop: Workshop, tmp_path: Path, music: Path, *, n_kills: int) -> None:
    """Kill `library rebuild`: the content of the library stays the same."""
    at = ("--library", tmp_path / "library")
    assert workshop.run(*at, "index", music).code == 0
    before = content_of(tmp_path / "library")
    uninterrupted = workshop.run(*at, "library", "rebuild", after="writing")
    for moment in moments(uninterrupted.n_calls, n_kills=n_kills, seed=5):
        workshop.run(*at, "library", "rebuild", after="writing", die_at=moment)
        assert content_of(tmp_path / "library") == before
    assert workshop.run(*at, "library", "rebuild").code == 0
    assert list((tmp_path / "library").glob("*.tmp")) == []


def check_migration(workshop: Workshop, tmp_path: Path, music: Path, *, n_kills: int) -> None:
    """Kill a change of models: all vectors are of one model, and the next run continues."""
    old, log = tmp_path / "old", tmp_path / "log"
    assert workshop.run("--library", old, "index", music).code == 0
    before = content_of(old)
    shutil.copytree(old, tmp_path / "expected")
    line = ("index", music, "--model", "other")
    uninterrupted = workshop.run("--library", tmp_path / "expected", *line, after="writing")
    assert uninterrupted.code == 0
    expected = content_of(tmp_path / "expected")
    assert expected.keys() == before.keys()
    for number, moment in enumerate(moments(uninterrupted.n_calls, n_kills=n_kills, seed=6)):
        folder = tmp_path / f"library {number}"
        shutil.copytree(old, folder)
        log.unlink(missing_ok=True)
        killed = workshop.run(
            *("--library", folder, *line),
            after="writing",
            die_at=moment,
            environment={"TOY_LOG": str(log)},
        )
        assert killed.code == -9
        assert content_of(folder) in (before, expected)
        ended = workshop.run("--library", folder, *line, environment={"TOY_LOG": str(log)})
        assert ended.code == 0
        assert content_of(folder) == expected
        n_analysed = len(log.read_text().splitlines())
        assert N_FILES <= n_analysed <= N_FILES + 5  # a batch of four, and one in progress


def check_labels(workshop: Workshop, tmp_path: Path, music: Path, *, n_kills: int) -> None:
    """Kill `label --write`: the journal has every changed file, and undoes it."""
    at = ("--library", tmp_path / "library")
    assert workshop.run(*at, "index", music).code == 0
    unlabelled = [str(number + 1) for number in range(0, N_FILES, 2)]
    line = (*at, "label", *unlabelled, "--write", "--yes")
    before, names = genres(music), {path.name for path in music.iterdir()}
    uninterrupted = workshop.run(*line, after="writing")
    assert uninterrupted.code == 0, uninterrupted.err
    labelled = genres(music)
    assert set(labelled.values()) == {"jazz"}
    undo_all(workshop, tmp_path / "library")
    assert genres(music) == before
    for moment in moments(uninterrupted.n_calls, n_kills=n_kills, seed=7):
        killed = workshop.run(*line, after="writing", die_at=moment)
        assert killed.code == -9
        changed = {path for path, genre in genres(music).items() if genre != before[path]}
        journals = list((tmp_path / "library").glob("*.jsonl"))
        assert changed <= {entry.path for path in journals for entry in read_journal(path)}
        undo_all(workshop, tmp_path / "library")
        assert genres(music) == before
        assert {path.name for path in music.iterdir()} == names
    with Library.open(tmp_path / "library") as library:
        encoder = ToyEncoder()
        assert library.index([music], encoder=encoder).failed == ()
        assert encoder.analysed_paths == []


def genres(music: Path) -> dict[str, str]:
    return {str(path): read_tags(path).genre for path in music.glob("[0-9]*.wav")}


def undo_all(workshop: Workshop, library: Path) -> None:
    for journal in library.glob("*.jsonl"):
        undone = workshop.run("--library", library, "label", "--undo", journal)
        assert undone.code == 0, undone.err
        journal.unlink()


CHECKS = {"rebuild": check_rebuild, "migration": check_migration, "label": check_labels}


@pytest.mark.parametrize("name", CHECKS)
def test_a_killed_command_does_no_harm(
    name: str, workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """Three kills each of `library rebuild`, a change of models and `label --write`."""
    CHECKS[name](workshop, tmp_path, music, n_kills=3)


@pytest.mark.slow
@pytest.mark.parametrize("name", CHECKS)
def test_a_command_killed_thirty_times(
    name: str, workshop: Workshop, tmp_path: Path, music: Path
) -> None:
    """The same at thirty moments."""
    CHECKS[name](workshop, tmp_path, music, n_kills=30)
