"""The checksums of tracks: whether their rows are what was written.

Each row has a checksum. A column whose value also stands among the tags is named; a text counts as
damaged if one of its bytes differs from a tag's: damage changes bits, not words. SQLite's own check
compares tables with their indexes, so it finds a damaged tag.
"""

from collections.abc import Iterable, Iterator

from index.catalogue.checksums import TRACK_CHECKSUM
from index.catalogue.database import Database

TEXT_COLUMNS = ("title", "artist", "album", "genre")
_JOINT = "; "
"""Between several values of one field in a column."""


def seal_tracks(database: Database, track_ids: Iterable[int]) -> None:
    """Write the checksums of rows that were changed."""
    statement = f"UPDATE tracks SET checksum = {TRACK_CHECKSUM} WHERE id = ?"
    database.run_many(statement, [(track_id,) for track_id in track_ids])


def track_problems(database: Database) -> Iterator[str]:
    """The tracks with a damaged value in a column, in sentences."""
    named: set[int] = set()
    for track_id, column in _unlike_tags(database):
        named.add(track_id)
        yield _problem(track_id, f"its {column} differs from its tag")
    for (track_id,) in database.rows(
        f"SELECT id FROM tracks WHERE checksum <> {TRACK_CHECKSUM} ORDER BY id"
    ):
        if track_id not in named:
            yield _problem(track_id, "one of its values is damaged")


def _unlike_tags(database: Database) -> Iterator[tuple[int, str]]:
    """Tracks and columns that differ from a tag."""
    for column in TEXT_COLUMNS:
        rows = database.rows(
            f"SELECT id, {column}, tags.value FROM tracks "
            f"JOIN tags ON track_id = id AND field = ? WHERE {column} <> tags.value ORDER BY id",
            (column,),
        )
        tags: dict[int, set[str]] = {}
        texts: dict[int, str] = {}
        for track_id, text, tag in rows:
            texts[track_id] = text
            tags.setdefault(track_id, set()).update(tag.split(_JOINT))
        for track_id, text in texts.items():
            unknown_pieces = set(text.split(_JOINT)) - tags[track_id]
            if any(_differ_in_a_byte(a, b) for a in unknown_pieces for b in tags[track_id]):
                yield track_id, column
    for (track_id,) in database.rows(
        "SELECT id FROM tracks WHERE year IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM tags WHERE track_id = id AND field = 'year') "
        "AND NOT EXISTS (SELECT 1 FROM tags WHERE track_id = id AND field = 'year' "
        "AND value = CAST(year AS TEXT)) ORDER BY id"
    ):
        yield track_id, "year"


def _differ_in_a_byte(text: str, other: str) -> bool:
    a, b = text.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _problem(track_id: int, what: str) -> str:
    return (
        f"track {track_id}: {what}. 'soundalike library remove "
        f"{track_id}', then 'soundalike index' with its folder, mends it."
    )
