"""Every kind of damage ends a command with exit code 4 and one line, never with a traceback."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from embedder.audio.digest import audio_digest
from embedder.audio.writing import write_audio
from index.labels.files.tag_writing import read_field
from index.library import Library
from tests.conftest import RunCli
from tests.index.toy_encoder import ToyEncoder, write_wav

DEEP = "[" * 100_000


@dataclass(frozen=True, slots=True)
class Damage:
    """A way to damage a library's folder, and a command that meets it."""

    apply: Callable[[Path], object]
    command: str
    says: str


def manifest(text: str) -> Damage:
    return Damage(
        lambda folder: (folder / "library.json").write_text(text),
        "query 1",
        "library.json: damaged. Run 'soundalike index'",
    )


def catalogue(statement: str, command: str, says: str, *values: str) -> Damage:
    def apply(folder: Path) -> None:
        with Library.open(folder) as library, library.writing() as opened:
            library.write_manifest = lambda _: None  # type: ignore[method-assign]  # as if the process had died before it
            opened.database.run("PRAGMA foreign_keys = OFF")
            opened.database.run(statement, values)
        (folder / "vectors.faiss").unlink()

    return Damage(apply, command, says)


def setting(key: str, text: str, command: str = "query 1") -> Damage:
    statement = "INSERT OR REPLACE INTO settings VALUES (?, ?)"
    return catalogue(statement, command, f"its setting '{key}' is damaged", key, text)


def track_column(assignment: str) -> Damage:
    says = "track 2 has values of a wrong type. 'soundalike library remove 2'"
    return catalogue(f"UPDATE tracks SET {assignment} WHERE id = 2", "query 2", says)


def vector_row(assignment: str) -> Damage:
    says = "the vectors of track 2 are damaged. 'soundalike library remove 2'"
    return catalogue(f"UPDATE vectors SET {assignment} WHERE track_id = 2", "query 1", says)


def card(text: str, says: str = "card.json") -> Damage:
    def apply(folder: Path) -> None:
        (folder / "model").mkdir()
        (folder / "model" / "card.json").write_text(text)

    return Damage(apply, "models show MODEL", says)


def journal(tags: dict[str, list[str]] | str) -> Damage:
    """An undo journal whose entry fits its file, but for the old tags."""

    def apply(folder: Path) -> None:
        song = folder / "song.mp3"
        noise = np.random.default_rng(0).normal(0, 0.1, (1, 22050)).astype(np.float32)
        write_audio(song, noise, 22050, tags={"genre": "New"})
        entry = {
            "path": str(song),
            "field": "genre",
            "old": ["Old"],
            "new": list(read_field(song, "genre").labels),
            "time": "2026-01-01T00:00:00+00:00",
            "audio_digest": audio_digest(song).hex(),
            "old_tags": tags,
            "had_tags": True,
        }
        (folder / "labels.jsonl").write_text(json.dumps(entry) + "\n")

    says = "no text frame" if isinstance(tags, dict) else "not an entry of a label journal"
    return Damage(apply, "label --undo JOURNAL", says)


DAMAGES = {
    "manifest: format as text": manifest('{"format": "2"}'),
    "manifest: null": manifest("null"),
    "manifest: list": manifest("[]"),
    "manifest: deep": manifest(DEEP),
    "manifest: empty": manifest(""),
    "manifest: bytes": Damage(
        lambda folder: (folder / "library.json").write_bytes(b"\xff\xfe{}"),
        "query 1",
        "library.json: damaged",
    ),
    "setting: store": setting("store", "{"),
    "setting: store, deep": setting("store", DEEP),
    "setting: model": setting("model", "[]"),
    "setting: random pairs": setting("random_pairs", '{"fingerprint": 1}'),
    "setting: correction": setting("hubness_correction", "x"),
    "setting: current model": catalogue(
        "UPDATE settings SET value = 'x' WHERE key = 'current_model'",
        "query 1",
        "the catalogue is damaged (it lacks the model that it names)",
    ),
    "vector: too short": vector_row("vector = x'00112233'"),
    "vector: too long": vector_row("vector = CAST(vector || x'00' AS BLOB)"),
    "vector: text": vector_row("vector = 'text'"),
    "vector: another value": vector_row("vector = zeroblob(length(vector))"),
    "excerpts: too short": catalogue(
        "UPDATE excerpts SET vectors = x'00' WHERE track_id = 2",
        "query 2 --explain",
        "the vectors of track 2 are damaged",
    ),
    "track: path": track_column("path = 'text'"),
    "track: title": track_column("title = x'00'"),
    "track: duration": track_column("duration_seconds = 'long'"),
    "track: digest": track_column("audio_digest = 5"),
    "model: size": catalogue(
        "UPDATE models SET embedding_size = 'eight'",
        "query 1",
        "its model has values of a wrong type",
    ),
    "model: geometry": catalogue(
        "UPDATE models SET geometry = 'flat'", "query 1", "its model has values of a wrong type"
    ),
    "catalogue: no history": catalogue(
        "DELETE FROM revisions", "query 1", "its history is missing"
    ),
    "catalogue: no table": catalogue("DROP TABLE vectors", "query 1", "no such table: vectors"),
    "catalogue: no database": Damage(
        lambda folder: (folder / "catalogue.sqlite").write_bytes(
            b"SQLite format 3\0" + b"x" * 9000
        ),
        "query 1",
        "the catalogue is damaged",
    ),
    "catalogue: missing": Damage(
        lambda folder: (folder / "catalogue.sqlite").unlink(), "query 1", "it is missing"
    ),
    "catalogue: newer": catalogue("PRAGMA user_version = 99", "query 1", "Update soundalike"),
    "catalogue: index of words": catalogue(
        "UPDATE track_words_data SET block = zeroblob(length(block))",
        "library remove 2",
        "its index of words is damaged",
    ),
    "card: deep": card('{"a":' * 100_000),
    "card: null": card("null"),
    "card: wrong types": card('{"format": 1, "name": 3, "fingerprint": [], "config": "x"}'),
    "journal: unknown frame": journal({"ZZZZ": ["x"]}),
    "journal: wrong types": journal("x"),
    "journal: deep": Damage(
        lambda folder: (folder / "labels.jsonl").write_text(DEEP + "\n"),
        "label --undo JOURNAL",
        "line 1 is not an entry of a label journal",
    ),
}


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sound library of four tracks."""
    place = tmp_path_factory.mktemp("sound")
    for number in range(4):
        write_wav(place / "music" / f"{number}.wav", number)
    with Library.open_or_create(place / "library") as library:
        library.index([place / "music"], encoder=ToyEncoder())
    return place / "library"


@pytest.mark.parametrize("name", DAMAGES)
def test_damage_is_exit_code_4_and_one_line(
    sound: Path, tmp_path: Path, run_cli: RunCli, name: str
) -> None:
    """The line says what is damaged; no command calls it a bug, and none answers."""
    folder = tmp_path / "library"
    shutil.copytree(sound, folder)
    damage = DAMAGES[name]
    damage.apply(folder)
    places = {"MODEL": str(folder / "model"), "JOURNAL": str(folder / "labels.jsonl")}
    words = [places.get(word, word) for word in damage.command.split()]
    ended = run_cli("--library", str(folder), *words)
    assert ended.code == 4, ended.err
    assert ended.out == ""
    assert damage.says in ended.err
    assert len(ended.err.splitlines()) == 1
    assert len(ended.err) < 1000


@pytest.mark.parametrize("name", [name for name in DAMAGES if not name.startswith(("card", "jou"))])
def test_verify_reports_every_damage_of_a_library(
    sound: Path, tmp_path: Path, run_cli: RunCli, name: str
) -> None:
    """`library verify` ends with exit code 4 as well, and shows no traceback."""
    folder = tmp_path / "library"
    shutil.copytree(sound, folder)
    DAMAGES[name].apply(folder)
    ended = run_cli("--library", str(folder), "library", "verify")
    assert ended.code == 4, ended.err
    assert "Traceback" not in ended.err
    assert "a bug of ours" not in ended.err
