"""Numbers of things in words."""

import pytest

from index.catalogue.wording import counted


@pytest.mark.parametrize(
    ("n", "verb", "words"),
    [
        (1, "", "1 track"),
        (0, "", "0 tracks"),
        (2, "", "2 tracks"),
        (1, "have", "1 track has"),
        (2, "have", "2 tracks have"),
        (1, "are", "1 track is"),
        (1, "play", "1 track plays"),
    ],
)
def test_one_is_no_plural(n: int, verb: str, words: str) -> None:
    """Nouns and verbs fit the number."""
    assert counted(n, "track", verb) == words
