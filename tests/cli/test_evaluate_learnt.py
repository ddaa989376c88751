"""`soundalike evaluate` and the tracks that a model was trained on: noted, or left out."""

import dataclasses
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from cli.app import main
from embedder.config.batches import SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.training import TrainingConfig
from embedder.config.transfer import TransferConfig
from embedder.models.learnt_recordings import read_learnt
from embedder.training.train import train
from index.library import Library
from tests.conftest import RunCli
from tests.embedder.rich_sets import HEARS, write_audio_set
from tests.embedder.small_sets import small_config, write_array_set

AS_TRAINED = ("--split", "as-trained")


def audio_config(*, validation_share: float = 0.25, test_share: float = 0.0) -> TrainingConfig:
    return dataclasses.replace(
        small_config(epochs=1),
        model=HEARS,
        dataset=DatasetConfig(validation_share=validation_share, test_share=test_share),
        sampler=SamplerConfig(groups_per_batch=2, tracks_per_group=2),
    )


def is_trained_on(document: dict[str, Any]) -> bool:
    """Whether a note says that the model was trained on some of the queries."""
    return any("trained on" in note for note in document["notes"])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with arrays that name no sides (`set`), and a run that drew some (`run`)."""
    folder = tmp_path_factory.mktemp("trained")
    table = write_array_set(folder / "set") / "tracks.csv"
    rows = [line.rpartition(",")[0] for line in table.read_text().splitlines()]
    table.write_text("\n".join(rows) + "\n")
    config = small_config(epochs=1)
    shares = dataclasses.replace(config.dataset, validation_share=0.2, test_share=0.3, seed=4)
    train(folder / "set", dataclasses.replace(config, dataset=shares), folder / "run")
    return folder


def evaluate_line(folder: Path, *words: str) -> tuple[str, ...]:
    line = ("evaluate", str(folder / "set"), "--model", str(folder / "run"), "-k", "3")
    return (*line, "--json", *words)


def test_a_models_own_data_set_is_noted(run_cli: RunCli, trained: Path) -> None:
    """All its tracks are queries, and a note names the option that takes the others alone."""
    document = json.loads(run_cli(*evaluate_line(trained)).out)
    assert document["n_queries"] == 96
    assert any("--split as-trained" in note for note in document["notes"])


def test_as_trained_queries_are_held_out(run_cli: RunCli, trained: Path) -> None:
    """Only the tracks that the run held out are queries, and no note is needed."""
    document = json.loads(run_cli(*evaluate_line(trained, *AS_TRAINED)).out)
    assert document["n_queries"] == pytest.approx(0.3 * 96, abs=4)  # whole artists, of four tracks
    assert not is_trained_on(document)


def test_as_trained_merges_synonyms(run_cli: RunCli, tmp_path: Path) -> None:
    """The labels are those that the model learnt; without the option, those of the table."""
    config = small_config(epochs=1)
    merges = {"old": ("folk", "jazz")}
    merged = dataclasses.replace(config.dataset, merge_labels=merges)
    train(
        write_array_set(tmp_path / "set"),
        dataclasses.replace(config, dataset=merged),
        tmp_path / "run",
    )
    as_trained = json.loads(run_cli(*evaluate_line(tmp_path, *AS_TRAINED)).out)
    assert as_trained["labels"] == ["dance", "old", "rock"]
    plain = json.loads(run_cli(*evaluate_line(tmp_path)).out)
    assert plain["labels"] == ["dance", "folk", "jazz", "rock"]


def test_a_changed_data_set_has_no_split(run_cli: RunCli, trained: Path, tmp_path: Path) -> None:
    """Without its last track, the data set is another one."""
    shutil.copytree(trained, tmp_path / "copy")
    table = tmp_path / "copy" / "set" / "tracks.csv"
    table.write_text("\n".join(table.read_text().splitlines()[:-1]) + "\n")
    ended = run_cli(*evaluate_line(tmp_path / "copy", *AS_TRAINED))
    assert ended.code == 3
    assert "cannot be drawn again" in ended.err


def test_as_trained_needs_a_model(run_cli: RunCli, trained: Path) -> None:
    """The message names the option."""
    ended = run_cli("evaluate", str(trained / "set"), *AS_TRAINED)
    assert ended.code == 2
    assert "--model" in ended.err


@pytest.fixture(scope="module")
def with_broken_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with audio (`set`) of which training left a broken file out, and its run."""
    folder = tmp_path_factory.mktemp("broken")
    audio = write_audio_set(folder / "set", seconds=1.0)
    (audio / "low" / "00.wav").write_bytes(b"RIFF nothing of the kind")
    assert len(train(audio, audio_config(test_share=0.25), folder / "run").left_out) == 1
    return folder


def test_a_broken_file_does_not_hide_what_was_learnt(
    run_cli: RunCli, with_broken_file: Path
) -> None:
    """The note counts the recordings that the model learnt from."""
    ended = run_cli(*evaluate_line(with_broken_file))
    n_learnt = len(read_learnt(with_broken_file / "run" / "best"))
    assert (ended.code, n_learnt <= 8) == (5, True)
    notes = json.loads(ended.out)["notes"]
    assert any(f"trained on {n_learnt} of these 16" in note for note in notes)


def test_sides_are_drawn_again_without_a_broken_file(
    run_cli: RunCli, with_broken_file: Path
) -> None:
    """As-trained works although training left a track out."""
    ended = run_cli(*evaluate_line(with_broken_file, *AS_TRAINED))
    assert (ended.code, json.loads(ended.out)["n_queries"] <= 4) == (5, True)


@pytest.fixture(scope="module")
def library_line(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ...]:
    """The words that evaluate a library of twenty files; its model learnt from twelve of them.

    The files were moved after training and have got tags since.
    """
    folder = tmp_path_factory.mktemp("shelf")
    audio = write_audio_set(folder / "audio", seconds=1.0)
    train(audio, audio_config(), folder / "run")
    shelf = audio.rename(folder / "shelf")
    for path in write_audio_set(folder / "more", n_tracks=20, seconds=1.0).rglob("*.wav"):
        if int(path.stem) >= 16:
            path.rename(shelf / path.parent.name / path.name)
    library = ("--quiet", "--library", str(folder / "library"))
    assert main([*library, "index", str(shelf), "--model", str(folder / "run")]) == 0
    files = sorted(shelf.rglob("*.wav"))
    kinds = pd.DataFrame({"path": map(str, files), "kind": [path.parent.name for path in files]})
    with Library.open(folder / "library") as opened:
        opened.write_tags_from(kinds, "kind")
    return (*library, "evaluate", "library", "--field", "kind", "-k", "3", "--json")


def test_a_library_knows_what_its_model_learnt(
    run_cli: RunCli, library_line: tuple[str, ...]
) -> None:
    """Recordings are recognised by their audio, and the note counts them."""
    document = json.loads(run_cli(*library_line).out)
    assert document["n_queries"] == 20
    assert any("trained on 12 of these 20" in note for note in document["notes"])


def test_as_trained_queries_of_a_library_are_the_others(
    run_cli: RunCli, library_line: tuple[str, ...]
) -> None:
    """Only the recordings that the model did not learn from are queries."""
    document = json.loads(run_cli(*library_line, *AS_TRAINED).out)
    assert document["n_queries"] == 8
    assert not is_trained_on(document)


def test_a_model_of_other_music_has_no_split_of_a_library(
    run_cli: RunCli, library_line: tuple[str, ...]
) -> None:
    """The bundled model learnt from none of these files."""
    ended = run_cli(*library_line, *AS_TRAINED, "--model", "default")
    assert ended.code == 3
    assert "cannot be drawn again" in ended.err


def test_a_library_of_a_model_from_elsewhere_has_no_split(run_cli: RunCli, tmp_path: Path) -> None:
    """The message names the library's model, not its vectors."""
    library = ("--library", str(tmp_path / "library"))
    write_audio_set(tmp_path / "shelf")
    assert run_cli(*library, "index", str(tmp_path / "shelf"), "--model", "default").code == 0
    ended = run_cli(*library, "evaluate", "library", *AS_TRAINED)
    assert ended.code == 3
    assert "the library's model was trained on" in ended.err


def test_what_a_model_starts_from_counts_as_learnt(tmp_path: Path) -> None:
    """A model that starts from another one has learnt from the music of both."""
    write_audio_set(tmp_path / "first", n_tracks=8, seconds=1.0)
    write_audio_set(tmp_path / "second", n_tracks=8, seconds=1.1)
    train(tmp_path / "first", audio_config(), tmp_path / "start")
    transfer = TransferConfig(checkpoint=str(tmp_path / "start"))
    config = dataclasses.replace(audio_config(), transfer=transfer)
    train(tmp_path / "second", config, tmp_path / "run")
    first_keys, all_keys = (read_learnt(tmp_path / name / "best") for name in ("start", "run"))
    assert (len(first_keys), len(all_keys)) == (6, 12)
    assert first_keys < all_keys
