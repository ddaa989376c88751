"""The figures of a model's own head: beside those of the neighbours, and named as its own."""

from pathlib import Path

import numpy as np
import pytest

from embedder.datasets.dataset import Dataset
from embedder.datasets.records import TrackRow
from embedder.metrics.tagging import tag_scores
from embedder.models.heads import Head
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.evaluate.chosen import chosen_subject
from index.evaluate.evaluation import evaluate
from index.evaluate.head import HeadAnswers, score_head
from index.evaluate.material import material_of
from index.evaluate.page import page_of
from index.evaluate.results import Evaluation
from index.evaluate.settings import Choice, EvaluationSettings
from index.evaluate.subjects import open_subject
from index.evaluate.tables import tables_of
from index.indexing.request import IndexOptions
from index.library import Library
from tests.embedder.small_sets import GENRES, small_config, write_array_set
from tests.embedder.tagged_models import CONFIG, TAGS, write_noise


def some_tracks(*labels: tuple[str, ...]) -> Dataset:
    rows = tuple(TrackRow(str(n), labels={"genre": some}) for n, some in enumerate(labels))
    return Dataset(Path("set"), "manifest", rows)


def answers(labels: tuple[str, ...], *rows: tuple[float, ...]) -> HeadAnswers:
    return HeadAnswers(labels, np.array(rows, dtype=np.float32), "trained", 9)


def test_labels_are_compared_by_name() -> None:
    """Another order, a label that only the head has, and one that it does not have."""
    dataset = some_tracks(("folk",), ("jazz",), ("rock",), ("jazz",))
    material = material_of(dataset, field="genre", group="artist", by_content=False)
    said = answers(
        ("rock", "jazz", "metal"), (0.6, 0.3, 0.1), (0.1, 0.8, 0.1), (0.2, 0.2, 0.6), (0.9, 0.1, 0)
    )
    scores = score_head(said, material, np.arange(4))
    assert scores.labels == ("folk", "jazz", "rock", "metal")
    assert scores.n_unknown == 1
    assert scores.correct.tolist() == [0.0, 1.0, 0.0, 0.0]
    assert scores.vote is not None
    assert scores.vote.confusion.tolist() == [
        [0, 0, 1, 0],
        [0, 1, 1, 0],
        [0, 0, 0, 1],
        [0, 0, 0, 0],
    ]


def test_only_queries_count() -> None:
    """A track that is no query has neither a right nor a wrong answer."""
    dataset = some_tracks(("jazz",), ("rock",))
    material = material_of(dataset, field="genre", group="artist", by_content=False)
    scores = score_head(answers(("jazz", "rock"), (1, 0), (1, 0)), material, np.array([1]))
    np.testing.assert_equal(scores.correct, [np.nan, 0.0])


def test_tags_are_scored_one_by_one() -> None:
    """As the metric itself does; a tag that the head does not have is left out of the mean."""
    dataset = some_tracks(("a", "b"), ("a",), ("b", "c"), ("c",))
    material = material_of(dataset, field="genre", group="artist", by_content=False)
    chances = np.array([[0.9, 0.2], [0.3, 0.4], [0.6, 0.7], [0.1, 0.3]])
    scores = score_head(answers(("b", "a"), *map(tuple, chances)), material, np.arange(4)).tags
    expected = tag_scores(chances[:, ::-1], material.tags[:, :2])
    assert scores is not None
    np.testing.assert_allclose(scores.roc_auc[:2], expected.roc_auc)
    assert np.isnan(scores.roc_auc[2])
    assert scores.macro_pr_auc == pytest.approx(expected.macro_pr_auc)


@pytest.fixture(scope="module")
def evaluation(tmp_path_factory: pytest.TempPathFactory) -> Evaluation:
    """A model whose head says folk of everything."""
    folder = tmp_path_factory.mktemp("head")
    bias = np.array([0.0, 3.0, 0.0, 0.0], dtype=np.float32)
    head = Head(np.zeros((4, 8), dtype=np.float32), bias, GENRES, kind="softmax", field="genre")
    network = seeded_network(small_config().model, seed=1)
    save_model(folder / "model", network, label_head=head)
    dataset = open_subject(write_array_set(folder / "four genres"), split="split")
    settings = EvaluationSettings(has_split=True, n_draws=20)
    return evaluate(dataset, [str(folder / "model")], settings=settings)


def test_the_head_is_measured_on_the_same_tracks(evaluation: Evaluation) -> None:
    """A quarter of the held-out tracks is folk; the neighbours have figures of their own."""
    document = evaluation.models[0].to_json()
    head = document["head"]
    assert head["accuracy"] == 0.25
    assert np.sum(head["confusion"]) == document["n_queries"]
    assert [sum(column) for column in zip(*head["confusion"], strict=True)] == [0, 32, 0, 0]
    assert document["accuracy"] != head["accuracy"]
    assert head["per_label"][1]["recall"] == 1.0


def test_tables_and_page_name_whose_figures_they_show(evaluation: Evaluation) -> None:
    """The first table has both accuracies; labels and confusion come twice, named."""
    tables = tables_of(evaluation)
    assert tables[0].rows[0]["head accuracy"] == 0.25
    titles = [table.title for table in tables]
    assert sum("by the neighbours of" in title for title in titles) == 1
    assert sum("by the own head of" in title for title in titles) == 1
    assert "own head: true label (row) taken for (column)" in titles
    page = page_of(evaluation)
    assert "Labels by the model&#x27;s own head" in page or "Labels by the model's own head" in page


def test_a_library_measures_the_head_of_its_model(tmp_path: Path) -> None:
    """From stored vectors, with the answers that the model gives to the files."""
    for number in range(6):
        folder = tmp_path / "music" / TAGS[number % 2]
        folder.mkdir(parents=True, exist_ok=True)
        write_noise(folder / f"{number}.wav", seed=number)
    weight = np.random.default_rng(3).standard_normal((2, 4)).astype(np.float32)
    head = Head(weight, np.zeros(2, dtype=np.float32), TAGS[:2], kind="softmax", field="genre")
    model = tmp_path / "model"
    save_model(model, seeded_network(CONFIG, seed=1), label_head=head)
    with Library.open_or_create(tmp_path / "library") as library:
        music = tmp_path / "music"
        library.index([music], model=str(model), options=IndexOptions(labels_from=(music,)))
        subject = chosen_subject(library, Choice(compare=(str(model),)))
    settings = EvaluationSettings(k=2, n_draws=20)
    stored, own = evaluate(
        subject.tracks, subject.names, settings=settings, stored=subject.stored
    ).models
    assert stored.kind == "library"
    assert stored.head is not None
    assert own.head is not None
    assert stored.head["confusion"] == own.head["confusion"]
    assert np.sum(stored.head["confusion"]) == 6
