"""The tags of a model as measured fields of a library: stored, asked for, copied and replaced."""

import shutil
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from embedder.encoding.requests import EncodingFailure, EncodingResult, TrackRequest
from embedder.errors import UnknownChoice, UsageError
from index.catalogue.sounds import sound_field
from index.catalogue.where_sql import ids_where
from index.library import Library
from index.map.fields import field_names
from index.playlists.request import Arc, PlaylistRequest
from tests.index.toy_encoder import ToyEncoder, tag_wav, write_wav

TAGS = ("Jazz", "female vocalists")
N_TRACKS = 8


class TaggingEncoder(ToyEncoder):
    """Says of each file how much of its name's number is jazz."""

    def __init__(self, name: str = "toy", *, tags: tuple[str, ...] = TAGS) -> None:
        super().__init__(name)
        self.tags = tags

    def encode_many(
        self,
        paths: Iterable[Path | str | TrackRequest],
        *,
        workers: int | None = None,
        ordered: bool = True,
    ) -> Iterator[EncodingResult]:
        for result in super().encode_many(paths, workers=workers, ordered=ordered):
            if isinstance(result, EncodingFailure):
                yield result
                continue
            share = int(result.path.stem) / N_TRACKS
            probabilities = np.array([share, 1 - share], dtype=np.float32)
            yield replace(result, tags=self.tags, tag_probabilities=probabilities)


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    """Eight songs with two tags each; the files' own genre is rock."""
    root = tmp_path_factory.mktemp("sounds")
    for number in range(N_TRACKS):
        path = write_wav(root / "music" / f"{number}.wav", number)
        tag_wav(path, title=f"Song {number}", artist=f"Artist {number}", genre="rock")
    library = Library.open_or_create(root / "library")
    library.index([root / "music"], encoder=TaggingEncoder())
    return library


def test_each_tag_is_a_field(library: Library) -> None:
    """In lower case, with - for spaces, and apart from the tags of the file."""
    fields = library.catalogue.fields()
    assert fields["sounds.jazz"] == fields["sounds.female-vocalists"] == N_TRACKS
    assert "jazz" not in fields
    assert sound_field("Hip-Hop") == "sounds.hip-hop"


def test_a_filter_compares_the_probabilities(library: Library) -> None:
    """As numbers, whatever the letter case of the field."""
    ids = ids_where(library.catalogue, "sounds.JAZZ>0.5 and genre=rock")
    assert sorted(track.title for track in library.catalogue.tracks(ids)) == [
        "Song 5",
        "Song 6",
        "Song 7",
    ]
    with pytest.raises(UsageError, match=r"Did you mean sounds\.jazz"):
        ids_where(library.catalogue, "sounds.jazzz>0.5")


def test_an_arc_goes_over_a_tag(library: Library) -> None:
    """From the most to the least of it; a wrong name is answered with the nearest."""
    request = PlaylistRequest(arc=Arc.parse("sounds.Jazz:fall"), length=4, where="id>0", seed=1)
    values = library.catalogue.field_values("sounds.jazz")
    numbers = [float(values[entry.track.id][0]) for entry in library.playlist(request).tracks]
    assert numbers == sorted(numbers, reverse=True)
    wrong = replace(request, arc=Arc.parse("sounds.jaz:fall"))
    with pytest.raises(UnknownChoice, match=r"Did you mean sounds\.jazz"):
        library.playlist(wrong)


def test_a_map_offers_them_last(library: Library) -> None:
    """A model has fifty tags, which would crowd out the files' own."""
    names = field_names(library)
    assert names[-2:] == ["sounds.female-vocalists", "sounds.jazz"]


def test_a_copy_gets_what_was_measured(tmp_path: Path) -> None:
    """It is not analysed, but has its recording's values."""
    first = write_wav(tmp_path / "music" / "3.wav", 3)
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=TaggingEncoder())
    shutil.copy(first, tmp_path / "music" / "4.wav")
    library.index([tmp_path / "music"], encoder=TaggingEncoder())
    values = library.catalogue.field_values("sounds.jazz")
    assert list(values.values()) == [("0.375",), ("0.375",)]


def test_another_model_replaces_the_values(tmp_path: Path) -> None:
    """Its tags are others; those of the old model go."""
    write_wav(tmp_path / "music" / "2.wav", 2)
    library = Library.open_or_create(tmp_path / "library")
    library.index([tmp_path / "music"], encoder=TaggingEncoder())
    library.index(
        [tmp_path / "music"], encoder=TaggingEncoder("new", tags=("guitar", "slow")), migrate=True
    )
    fields = [name for name in library.catalogue.fields() if name.startswith("sounds.")]
    assert fields == ["sounds.guitar", "sounds.slow"]
