"""Who made each track of a library: the artists of its artist and its album artist tags.

Which names are split depends on all names of the library; see `embedder.datasets.artist_names`.
Only the different credits are read for that. The artists of tracks are looked up when needed.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

from embedder.datasets.artist_names import ArtistBook, Credit
from index.catalogue.database import Database
from index.catalogue.records import Json, TrackRecord

FEW = 20_000
"""The tags of more tracks than this are read together with those of all others."""


@dataclass(frozen=True, slots=True)
class CreditFields:
    """The fields of one kind of credit, in the spellings of the different kinds of tags."""

    name: str
    listed: tuple[str, ...]
    ids: tuple[str, ...]


CREDITS = (
    CreditFields(
        "artist",
        ("artists",),
        ("musicbrainz_artistid", "musicbrainz artist id", "musicbrainz/artist id"),
    ),
    CreditFields(
        "albumartist",
        ("albumartists",),
        (
            "musicbrainz_albumartistid",
            "musicbrainz album artist id",
            "musicbrainz/album artist id",
        ),
    ),
)


@dataclass(frozen=True, slots=True)
class ArtistCounts:
    """How many different names the tags have, and how many artists they name."""

    n_names: int
    n_artists: int

    def to_json(self) -> Json:
        """The counts by their names."""
        return {"n_names": self.n_names, "n_artists": self.n_artists}


class LibraryArtists:
    """The artists of a catalogue's tracks, by all its names at the time of making."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._distinct = {c for fields in CREDITS for c in self._distinct_credits(fields)}
        self._book = ArtistBook(self._distinct)
        self._by_credit: dict[Credit, frozenset[str]] = {}

    def of(self, tracks: Sequence[TrackRecord]) -> list[frozenset[str]]:
        """The keys of the artists of each track; empty if they are unknown."""
        by_id = self.of_ids({track.id for track in tracks if track.id})
        return [
            by_id[track.id] if track.id in by_id else self._named(track.artist) for track in tracks
        ]

    def of_ids(self, ids: Iterable[int]) -> dict[int, frozenset[str]]:
        """The artists of tracks by id; tracks without a credit are absent."""
        wanted_ids = set(ids)
        artists: dict[int, frozenset[str]] = {}
        for fields in CREDITS:
            for track_id, credit in self._credits_of(fields, wanted_ids):
                keys = self._keys_of(credit)
                artists[track_id] = artists[track_id] | keys if track_id in artists else keys
        return artists

    @cached_property
    def counts(self) -> ArtistCounts:
        """How many names there are, and how many artists."""
        names = {name for credit in self._distinct for name in credit.names}
        return ArtistCounts(len(names), len(self._book.artists_of(self._distinct)))

    def _named(self, artist: str) -> frozenset[str]:
        """The artists of a track outside the library, by its artist tag."""
        return self._keys_of(Credit((artist,))) if artist else frozenset()

    def _keys_of(self, credit: Credit) -> frozenset[str]:
        keys = self._by_credit.get(credit)
        if keys is None:
            keys = self._by_credit[credit] = self._book.artists_of([credit])
        return keys

    def _distinct_credits(self, fields: CreditFields) -> Iterator[Credit]:
        """All different credits."""
        is_plain = not self._has_rows(
            f"tags WHERE field IN ({_quoted((*fields.listed, *fields.ids))})"
        ) and not self._has_rows("labels WHERE field = ?", fields.name)
        several = "SELECT track_id FROM tags WHERE field = ? GROUP BY track_id HAVING count(*) > 1"
        if is_plain:
            # Nearly all tracks have one name, so that its different values are the credits.
            listed_ids = {row[0] for row in self._database.rows(several, (fields.name,))}
            statement = "SELECT DISTINCT value FROM tags WHERE field = ?"
            for (name,) in self._database.rows(statement, (fields.name,)):
                yield Credit((str(name),))
            if not listed_ids:
                return
            yield from (credit for _, credit in self._credits_of(fields, listed_ids))
            return
        yield from (credit for _, credit in self._credits_of(fields, None))

    def _has_rows(self, rest: str, *values: str) -> bool:
        return bool(self._database.rows(f"SELECT 1 FROM {rest} LIMIT 1", values))

    def _credits_of(
        self, fields: CreditFields, ids: set[int] | None
    ) -> Iterator[tuple[int, Credit]]:
        """One kind of credit of tracks; labels of data sets replace the files' tags."""
        condition, values = "", []
        if ids is not None and len(ids) <= FEW:
            condition = " AND track_id IN (SELECT value FROM json_each(?))"
            values = [json.dumps(sorted(ids))]
        labels = self._values_of("labels", [fields.name], condition, values)
        names = self._values_of("tags", [fields.name], condition, values)
        lists = self._values_of("tags", fields.listed, condition, values)
        musicbrainz_ids = self._values_of("tags", fields.ids, condition, values)
        for track_id in labels.keys() | names.keys() | lists.keys() | musicbrainz_ids.keys():
            if ids is not None and track_id not in ids:
                continue
            if track_id in labels:
                yield track_id, _credit(labels[track_id], (), ())
            else:
                tags = (table.get(track_id, ()) for table in (names, lists, musicbrainz_ids))
                yield track_id, _credit(*tags)

    def _values_of(
        self, table: str, fields: Sequence[str], condition: str, values: Sequence[str]
    ) -> dict[int, list[str]]:
        """The values of some fields of a table, by track."""
        by_track: dict[int, list[str]] = {}
        statement = (
            f"SELECT track_id, value FROM {table} WHERE field IN ({_quoted(fields)}){condition}"
        )
        for track_id, value in self._database.rows(statement, values):
            by_track.setdefault(track_id, []).append(value)
        return by_track


def _quoted(names: Sequence[str]) -> str:
    return ", ".join(f"'{name}'" for name in names)


def _credit(names: Sequence[str], listed: Sequence[str], ids: Sequence[str]) -> Credit:
    """A list of artists says more than the name that is shown."""
    values = listed or names
    if len(values) == 1 and not listed and not ids:
        return Credit((values[0],))
    return Credit(tuple(sorted(values)), tuple(sorted(ids)), bool(listed) or len(values) > 1)
