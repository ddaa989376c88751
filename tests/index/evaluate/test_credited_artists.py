"""Any artist in common keeps tracks apart, in evaluations, audits and splits."""

from collections.abc import Sequence

import numpy as np

from embedder.datasets.dataset import Dataset
from embedder.datasets.records import Side
from index.audit.sides import fixed_split, leaks
from index.evaluate.evaluation import evaluate
from index.evaluate.material import material_of
from index.evaluate.settings import EvaluationSettings
from tests.index.evaluation_sets import dataset_of, plain

CREDITS = ("Ann", "Ann & Ben", "Ben", "Cid", "Dee")
"""Ann and Ben stand alone as well, so `Ann & Ben` are two artists."""


def credited(*, sides: Sequence[Side] = ()) -> Dataset:
    """Five tracks: the first three are linked by artists, and only the second shares one."""
    return dataset_of(["jazz"] * 5, CREDITS, np.eye(5), sides=sides)


def test_a_query_meets_no_track_with_an_artist_in_common() -> None:
    """`Ann & Ben` is kept from Ann and from Ben, who are not kept from each other."""
    material = material_of(credited(), field="genre", group="artist")
    rows = np.arange(5)
    by_artist, _ = material.apart(rows, rows)
    mask = by_artist.mask(rows)
    apart = {(int(query), int(reference)) for query, reference in np.argwhere(mask)}
    assert apart - {(row, row) for row in range(5)} == {(0, 1), (1, 0), (1, 2), (2, 1)}
    assert material.groups[0] == material.groups[2], "linked, so in the same fold"


def test_the_same_artist_is_any_artist_in_common() -> None:
    """Of `Ann & Ben`, the tracks of Ann and of Ben count; of Cid, none."""
    vectors = np.array([[1, 0.1], [1, 0], [1, -0.1], [0, 1], [-1, 1]])
    dataset = dataset_of(["jazz", "jazz", "jazz", "folk", "folk"], CREDITS, vectors)
    (model,) = evaluate(
        dataset,
        ["given"],
        settings=EvaluationSettings(k=2, n_draws=20),
        stored=plain(vectors),
    ).models
    assert model.artist_hits[:3].tolist() == [1, 1, 1]
    assert np.isnan(model.artist_hits[3:]).all()


def test_a_leak_is_any_artist_on_two_sides() -> None:
    """`Ann & Ben` in training leaks to Ben's test track, and Ann does not leak."""
    dataset = credited(sides=["train", "train", "test", "test", "train"])
    (finding,) = (f for f in leaks(dataset, []) if f.kind == "artist-across-split")
    assert set(finding.tracks) == {"t1", "t2"}
    assert finding.why.startswith("ben:")


def test_a_fixed_split_splits_no_artist() -> None:
    """Tracks that are linked by artists end on one side."""
    dataset = credited(sides=["train", "train", "test", "test", "train"])
    fixed = fixed_split(dataset, label_field="genre")
    assert {fixed.sides[key] for key in ("t0", "t1", "t2")} == {"train"}
