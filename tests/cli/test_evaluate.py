"""`soundalike evaluate` from the outside: its answer, its page, its complaints."""

import dataclasses
import json
from pathlib import Path

import pandas as pd
import pytest

from cli.app import main
from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.transfer import TransferConfig
from embedder.models.learnt_recordings import read_learnt
from embedder.training.train import train
from index.library import Library
from tests.embedder.rich_sets import HEARS, write_audio_set
from tests.embedder.small_sets import small_config, write_array_set


@pytest.fixture
def arrays(tmp_path: Path) -> Path:
    return write_array_set(tmp_path / "set")


def test_json_has_the_promised_fields(arrays: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Those of the design, and they agree with each other."""
    line = ["evaluate", str(arrays), "--baseline", "row-statistics", "--split", "split", "-k", "3"]
    assert main([*line, "--json"]) == 0
    found = json.loads(capfd.readouterr().out)
    promised = {"protocol", "n_queries", "accuracy", "accuracy_ci95", "precision_at_k"}
    promised |= {"recall_at_k", "map", "macro_f1", "confusion", "leaky_accuracy", "hubness"}
    assert promised <= set(found)
    assert found["n_queries"] == sum(map(sum, found["confusion"])) == 32
    assert set(found["precision_at_k"]) == {"1", "3", "5", "10"}
    low, high = found["accuracy_ci95"]
    assert low <= found["accuracy"] <= high
    hits = sum(row[i] for i, row in enumerate(found["confusion"]))
    assert found["accuracy"] == pytest.approx(hits / 32)


def test_the_calibration_keeps_its_first_name(
    arrays: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Fields of JSON are added and never renamed: `confidence` stays beside `probability`."""
    line = ["evaluate", str(arrays), "--baseline", "row-statistics", "--split", "split", "-k", "3"]
    assert main([*line, "--json"]) == 0
    calibration = json.loads(capfd.readouterr().out)["calibration"]
    assert calibration["confidence"] == calibration["probability"]


def test_a_table_and_a_page(
    arrays: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """A person sees models side by side; the page is not replaced without --force."""
    page = tmp_path / "page.html"
    line = ["evaluate", str(arrays), "--baseline", "row-statistics", "--compare", "random"]
    line += ["--folds", "3", "-o", str(page)]
    assert main(line) == 0
    shown = capfd.readouterr().out
    assert "row-statistics" in shown
    assert "random" in shown
    assert "leaky" in shown
    assert page.read_text().startswith("<!doctype html>")
    assert main(line) == 2
    assert "--force" in capfd.readouterr().err
    assert main([*line, "--force"]) == 0


def test_a_model_does_not_shine_on_what_it_learnt(
    arrays: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """Its own data set is noted; as-trained, only the tracks ask that its run held out."""
    table = (arrays / "tracks.csv").read_text().splitlines()
    unsplit = [line.rpartition(",")[0] for line in table]
    (arrays / "tracks.csv").write_text("\n".join(unsplit) + "\n")
    config = small_config(epochs=1)
    shares = dataclasses.replace(config.dataset, validation_share=0.2, test_share=0.3, seed=4)
    run = tmp_path / "run"
    train(arrays, dataclasses.replace(config, dataset=shares), run)
    line = ["evaluate", str(arrays), "--model", str(run), "-k", "3"]
    assert main([*line, "--json"]) == 0
    naive = json.loads(capfd.readouterr().out)
    assert naive["n_queries"] == 96
    assert any("--split as-trained" in note for note in naive["notes"])
    assert main([*line, "--split", "as-trained", "--json"]) == 0
    honest = json.loads(capfd.readouterr().out)
    assert honest["n_queries"] == pytest.approx(0.3 * 96, abs=4)  # whole artists, of four tracks
    assert not any("trained on" in note for note in honest["notes"])
    (arrays / "tracks.csv").write_text("\n".join(unsplit[:-1]) + "\n")
    assert main([*line, "--split", "as-trained"]) == 3
    assert "cannot be drawn again" in capfd.readouterr().err
    assert main([*line[:2], "--split", "as-trained"]) == 2
    assert "--model" in capfd.readouterr().err


def test_a_broken_file_does_not_hide_what_was_learnt(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The sides are drawn again though training left a track out."""
    audio = write_audio_set(tmp_path / "audio", seconds=1.0)
    (audio / "low" / "00.wav").write_bytes(b"RIFF nothing of the kind")
    config = small_config(epochs=1)
    config = dataclasses.replace(
        config,
        model=HEARS,
        dataset=DatasetConfig(validation_share=0.25, test_share=0.25),
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=2),
    )
    assert len(train(audio, config, tmp_path / "run").left_out) == 1
    line = ["evaluate", str(audio), "--model", str(tmp_path / "run"), "-k", "1", "--json"]
    assert main(line) == 5
    notes = json.loads(capfd.readouterr().out)["notes"]
    n_learnt = len(read_learnt(tmp_path / "run" / "best"))
    assert n_learnt <= 8
    assert any(f"trained on {n_learnt} of these 16" in note for note in notes)
    assert main([*line, "--split", "as-trained"]) == 5
    assert json.loads(capfd.readouterr().out)["n_queries"] <= 4


def test_a_library_knows_what_its_model_learnt(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """By the sound: files moved, got tags, and more have come. The rest asks as-trained."""
    audio = write_audio_set(tmp_path / "audio", seconds=1.0)
    config = dataclasses.replace(
        small_config(epochs=1),
        model=HEARS,
        dataset=DatasetConfig(validation_share=0.25, test_share=0.0),
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=2),
    )
    run = tmp_path / "run"
    train(audio, config, run)
    more = write_audio_set(tmp_path / "more", n_tracks=20, seconds=1.0)
    new = [path for path in more.rglob("*.wav") if int(path.stem) >= 16]
    shelf = tmp_path / "shelf"
    audio.rename(shelf)
    for path in new:
        path.rename(shelf / path.parent.name / path.name)
    library = ["--library", str(tmp_path / "library")]
    assert main([*library, "index", str(shelf), "--model", str(run)]) == 0
    files = sorted(shelf.rglob("*.wav"))
    kinds = pd.DataFrame({"path": map(str, files), "kind": [path.parent.name for path in files]})
    with Library.open(tmp_path / "library") as opened:
        opened.write_tags_from(kinds, "kind")
    line = [*library, "evaluate", "library", "--field", "kind", "-k", "3", "--json"]
    capfd.readouterr()
    assert main(line) == 0
    naive = json.loads(capfd.readouterr().out)
    assert naive["n_queries"] == 20
    assert any("trained on 12 of these 20" in note for note in naive["notes"])
    assert main([*line, "--split", "as-trained"]) == 0
    honest = json.loads(capfd.readouterr().out)
    assert honest["n_queries"] == 8
    assert not any("trained on" in note for note in honest["notes"])
    assert main([*line, "--split", "as-trained", "--model", "default"]) == 3
    assert "cannot be drawn again" in capfd.readouterr().err


def test_a_library_of_a_model_from_elsewhere_has_no_split(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    """The message names the library's model, not its vectors."""
    library = ["--library", str(tmp_path / "library")]
    write_audio_set(tmp_path / "shelf")
    assert main([*library, "index", str(tmp_path / "shelf"), "--model", "default"]) == 0
    capfd.readouterr()
    assert main([*library, "evaluate", "library", "--split", "as-trained"]) == 3
    assert "the library's model was trained on" in capfd.readouterr().err


def test_what_a_model_starts_from_counts_as_learnt(tmp_path: Path) -> None:
    """A model that goes on from another one has learnt what that one had."""
    first, second = (
        write_audio_set(tmp_path / name, n_tracks=n, seconds=seconds)
        for name, n, seconds in (("first", 8, 1.0), ("second", 8, 1.1))
    )
    config = dataclasses.replace(
        small_config(epochs=1),
        model=HEARS,
        dataset=DatasetConfig(validation_share=0.25, test_share=0.0),
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=2),
    )
    train(first, config, tmp_path / "one")
    onward = TransferConfig(checkpoint=str(tmp_path / "one"))
    train(second, dataclasses.replace(config, transfer=onward), tmp_path / "two")
    one, two = (read_learnt(tmp_path / name / "best") for name in ("one", "two"))
    assert len(one) == 6
    assert len(two) == 12
    assert one < two


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["--baseline", "row-statistic"], 2, "Did you mean row-statistics?"),
        (["--baseline", "random", "--field", "mood"], 3, "no label field 'mood'"),
        (["--baseline", "random", "--group", "label"], 2, "unknown group 'label'"),
        (["--baseline", "random", "--model", "m"], 2, "--model or --baseline"),
        (["--baseline", "random", "--folds", "1"], 2, "2 or more"),
        (["--baseline", "random", "--split", "genre"], 3, "no side of a split"),
        (["--model", "stored"], 2, "library"),
    ],
)
def test_complaints_say_what_to_do(
    arrays: Path, words: list[str], code: int, said: str, capfd: pytest.CaptureFixture[str]
) -> None:
    """One line each, and its exit code."""
    assert main(["evaluate", str(arrays), *words]) == code
    complaint = capfd.readouterr().err
    assert said in complaint
    assert complaint.count("\n") == 1


def test_the_library_is_named_by_a_word(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without one, the message names the command that makes it."""
    line = ["evaluate", "library", "--library", str(tmp_path / "none")]
    assert main(line) == 3
    assert "soundalike index" in capfd.readouterr().err
