"""What is evaluated: arrays, tables of sides, libraries and files, and the page of the figures."""

from pathlib import Path

import numpy as np
import pytest

from embedder.errors import DatasetError, UnknownChoice
from embedder.models.kinds.network import save_model
from embedder.networks.network import EmbeddingNetwork
from index.evaluate.baselines import BASELINES, picture_statistics
from index.evaluate.evaluation import evaluate
from index.evaluate.page import write_page
from index.evaluate.settings import EvaluationSettings
from index.evaluate.subjects import library_subject, open_subject
from index.evaluate.tables import tables_of
from index.library import Library
from tests.embedder.small_sets import small_config, write_array_set
from tests.index.evaluation_sets import GENRES, dataset_of, noisy_genres
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav


def test_row_statistics_are_means_and_deviations() -> None:
    """Of each row over the columns, in this order; cosine coefficients keep their covariance."""
    pictures = np.random.default_rng(0).integers(0, 255, (3, 24, 50)).astype(np.uint8)
    statistics = picture_statistics(pictures, "row-statistics")
    np.testing.assert_allclose(statistics[1, :24], pictures[1].mean(axis=1), rtol=1e-5)
    np.testing.assert_allclose(statistics[1, 24:], pictures[1].std(axis=1), rtol=1e-4)
    assert picture_statistics(pictures, "mfcc").shape == (3, 20 + 210)


def test_an_array_set_through_every_door(tmp_path: Path) -> None:
    """Row statistics, random and a network are measured on the same tracks."""
    folder = write_array_set(tmp_path / "set")
    save_model(tmp_path / "model", EmbeddingNetwork(small_config().model), name="small")
    dataset = open_subject(folder, split="split")
    evaluation = evaluate(
        dataset,
        ["row-statistics", "random", str(tmp_path / "model")],
        settings=EvaluationSettings(k=5, has_split=True),
    )
    rows, chance, network = evaluation.models
    assert rows.accuracy.mean > 0.9
    assert chance.accuracy.mean < 0.6
    assert network.fingerprint
    assert network.geometry == "cosine"
    assert evaluation.protocol["kind"] == "split"
    with pytest.raises(UnknownChoice, match="mfcc, random, row-statistics"):
        evaluate(dataset, ["rhythm-patterns"], settings=EvaluationSettings())
    with pytest.raises(UnknownChoice, match="no-such-model"):
        evaluate(dataset, ["no-such-model"], settings=EvaluationSettings())


def test_sides_from_a_table_of_their_own(tmp_path: Path) -> None:
    """Tracks that it does not list ask and answer nothing."""
    folder = write_array_set(tmp_path / "set", tracks_per_genre=6)
    table = tmp_path / "sides.csv"
    lines = [f"t{i:03},{'train' if i < 12 else 'test'}" for i in range(20)]
    table.write_text("\n".join(["track,split", *lines]))
    dataset = open_subject(folder, split=str(table))
    assert [len(dataset.positions(side)) for side in ("train", "test", "")] == [12, 8, 4]
    table.write_text("track,split\nother,train\n")
    with pytest.raises(DatasetError, match="lists none of the 24 tracks"):
        open_subject(folder, split=str(table))
    with pytest.raises(DatasetError, match="side"):
        open_subject(folder, split="artist")


def test_a_library_is_measured_by_its_stored_vectors(tmp_path: Path) -> None:
    """Nothing is decoded; copies are known by their digest, artists by their tags."""
    for number in range(12):
        path = write_wav(tmp_path / "music" / f"{number}.wav", number or 1)
        tag_wav(path, artist=f"artist {number // 2}", genre=GENRES[number % 2], album="one")
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=ToyEncoder())
    dataset, stored = library_subject(library)
    library.close()
    evaluation = evaluate(dataset, ["stored"], stored=stored, settings=EvaluationSettings(k=3))
    assert evaluation.models[0].kind == "library"
    assert evaluation.models[0].n_queries == 12
    assert evaluation.protocol["n_repeated"] == 1
    with pytest.raises(DatasetError, match="no tag 'side'"):
        library_subject(library, split="side")


def test_audio_baselines_hear_files(tmp_path: Path) -> None:
    """Unreadable files are listed, and left out for every model."""
    generator = np.random.default_rng(0)
    for number in range(8):
        write_wav(tmp_path / GENRES[number % 2] / f"{number}.wav", number, n_samples=16000)
    (tmp_path / GENRES[0] / "broken.wav").write_bytes(generator.bytes(200))
    dataset = open_subject(tmp_path, layout="folders")
    evaluation = evaluate(
        dataset, ["mfcc", "spectrum", "rhythm-patterns"], settings=EvaluationSettings(k=3)
    )
    assert evaluation.protocol["n_tracks"] == 8
    assert [Path(left_out["path"]).name for left_out in evaluation.failed] == ["broken.wav"]
    assert set(BASELINES) >= {"mfcc", "spectrum", "rhythm-patterns", "bliss", "random"}


def test_the_page_is_whole_and_loads_nothing(tmp_path: Path) -> None:
    """One file with charts and tables; names are escaped, no address is in it."""
    labels, artists, vectors = noisy_genres(80)
    labels = [label.replace("rock", "<rock> & 'roll'") for label in labels]
    dataset = dataset_of(labels, artists, vectors)
    evaluation = evaluate(dataset, ["given", "random"], settings=EvaluationSettings(k=5))
    write_page(tmp_path / "new" / "page.html", evaluation)
    page = (tmp_path / "new" / "page.html").read_text()
    assert page.count("<figure") >= 4
    assert "&lt;rock&gt; &amp; &#x27;roll&#x27;" in page
    assert "<rock>" not in page
    assert "http" not in page.replace("http-equiv", "")
    assert f"{evaluation.models[0].accuracy.mean:.3f}" in page
    assert len(tables_of(evaluation)) == 5
