"""The table of labels, and which tracks are kin and may not vote for each other."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from index.labels.kinship import Kinship, KinshipBook, Names
from index.labels.table import make_label_table
from tests.index.vectors.clustered_vectors import (
    strangers,
)


def test_who_is_kin() -> None:
    """The same recording or song always, any artist in common unless artists may vote."""
    tracks = [
        Names("aa", ["nina", "duke"], "Blue"),
        Names("bb", ["duke"], "blue"),
        Names("bb"),
        Names("cc", ["duke", "max"], "Red"),
        Names(""),
        Names(""),
        Names("dd", ["nina"], "Green"),
    ]
    apart = KinshipBook(include_artist=False).numbered(tracks)
    together = KinshipBook(include_artist=True).numbered(tracks)

    def are_kin(kinship: Kinship, first: int, second: int) -> bool:
        return bool(kinship.are_kin(kinship.at(np.array([first])), np.array([[second]]))[0, 0])

    assert are_kin(apart, 0, 6) and not are_kin(apart, 3, 6)  # sharing one artist is enough
    assert are_kin(apart, 0, 1) and are_kin(together, 0, 1)
    assert are_kin(apart, 1, 2) and are_kin(together, 1, 2)
    assert are_kin(apart, 0, 3) and not are_kin(together, 0, 3)
    assert not are_kin(apart, 4, 5) and not are_kin(apart, 0, 4)


def test_tracks_of_no_known_artist_are_kin_by_album() -> None:
    """A compilation is not one artist's; its tracks share a studio if they share an album."""
    names = [
        Names("a", (), "One", "Best of"),
        Names("b", (), "Two", "best of "),
        Names("c", (), "Three", "Another"),
    ]
    kinship = KinshipBook(include_artist=False).numbered(names)
    assert kinship.are_kin(kinship, np.array([[1, 2], [0, 2], [0, 1]])).tolist() == [
        *([True, False], [True, False], [False, False])
    ]


def test_spellings_and_separators_are_brought_together() -> None:
    """Case does not matter, a semicolon separates labels, the commonest spelling is shown."""
    values = {4: ["rock"], 9: ["Rock; POP "], 2: ["Rock"], 7: ["Pop", "pop;"], 5: [" ; "]}
    table = make_label_table("genre", values, several=False)
    assert table.labels == ("POP", "Rock")
    assert table.track_ids.tolist() == [2, 4, 7, 9]
    assert table.labels_at(3) == ("POP", "Rock")
    assert table.truth(np.arange(4)).tolist() == [[0, 1], [0, 1], [1, 0], [0.5, 0.5]]
    assert table.frequencies() == pytest.approx([1.5 / 4, 2.5 / 4])
    assert table.sums_of(np.array([1.0, 3.0])) == pytest.approx([3, 3, 1, 2])


def test_a_field_of_many_labels_is_seen_as_one() -> None:
    """The share of tracks with several labels decides."""
    few = {i: ["a", "b"] if i == 0 else ["a"] for i in range(20)}
    many = {i: ["a", "b"] if i < 10 else ["a"] for i in range(20)}
    assert not make_label_table("genre", few).is_multi
    assert make_label_table("genre", many).is_multi
    assert strangers(3).at(np.array([1])).numbers.tolist() == [[-1]]


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32), several=st.booleans())
def test_the_table_of_some_tracks_equals_one_made_of_them(seed: int, several: bool) -> None:
    """It has only their labels, and the frequencies among them."""
    generator = np.random.default_rng(seed)
    values = {
        i: [f"g{x}" for x in generator.choice(6, generator.integers(1, 4), replace=False)]
        for i in range(3, 40, 2)
    }
    chosen = sorted(generator.choice(sorted(values), 5, replace=False).tolist())
    table = make_label_table("genre", values, several=several)
    subset = table.subset(np.array(chosen))
    expected = make_label_table("genre", {i: values[i] for i in chosen}, several=several)
    assert subset.labels == expected.labels
    assert subset.track_ids.tolist() == expected.track_ids.tolist()
    assert subset.frequencies() == pytest.approx(expected.frequencies())
    positions = np.arange(5)
    assert subset.truth(positions) == pytest.approx(expected.truth(positions))
