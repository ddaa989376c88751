"""`soundalike tag`: tags with probabilities, in every form."""

import json
from pathlib import Path

import pytest

from tests.conftest import RunCli
from tests.embedder.tagged_models import TAGS, write_noise, write_tagger


@pytest.fixture
def song(tmp_path: Path) -> Path:
    return write_noise(tmp_path / "noise.wav")


@pytest.fixture
def model(tmp_path: Path) -> Path:
    write_tagger(tmp_path / "model")
    return tmp_path / "model"


def test_json_names_tags_and_probabilities(run_cli: RunCli, song: Path, model: Path) -> None:
    """The likeliest first, as many as --top says."""
    run = run_cli("--json", "tag", str(song), "--top", "2", "--model", str(model))
    document = json.loads(run.out)
    (tagged,) = document["tracks"]
    assert (run.code, document["failed"]) == (0, [])
    assert tagged["path"] == str(song)
    assert len(tagged["tags"]) == 2
    assert list(tagged["probabilities"]) == tagged["tags"]
    first, second = tagged["probabilities"].values()
    assert 1 >= first >= second >= 0


def test_the_table_is_a_line_a_track(run_cli: RunCli, song: Path, model: Path) -> None:
    """All five tags (here three) with two digits."""
    run = run_cli("tag", str(song), "--model", str(model))
    line = next(line for line in run.out.splitlines() if str(song) in line)
    assert all(f"{tag} 0." in line for tag in TAGS)


def test_a_bad_track_is_one_line_and_code_5(
    run_cli: RunCli, song: Path, model: Path, tmp_path: Path
) -> None:
    """The others are tagged all the same; --ndjson prints them."""
    text = tmp_path / "text.mp3"
    text.write_text("no sound")
    run = run_cli("--ndjson", "tag", str(text), str(song), "--model", str(model))
    assert run.code == 5
    (line,) = run.out.splitlines()
    assert json.loads(line)["path"] == str(song)
    assert "text.mp3" in run.err


def test_without_a_tagging_model_it_says_what_to_do(run_cli: RunCli, song: Path) -> None:
    """Without --model, the usage error says which kind of model is needed."""
    run = run_cli("tag", str(song))
    assert run.code == 2
    assert "tagging" in run.err


def test_a_track_of_the_library_is_named_by_id_or_words(
    run_cli: RunCli, song: Path, model: Path, tmp_path: Path
) -> None:
    """As in `query`; the answer is that of its file."""
    library = ("--library", str(tmp_path / "library"), "--json")
    run_cli(*library, "index", str(song), "--model", str(model))
    by_id, by_words, by_path = (
        json.loads(run_cli(*library, "tag", name, "--model", str(model)).out)["tracks"]
        for name in ("1", "noise", str(song))
    )
    assert by_id == by_words == by_path
    assert by_id[0]["path"] == str(song)
