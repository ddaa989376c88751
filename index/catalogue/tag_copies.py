"""Whether the columns of tracks agree with the tags, where the same values stand once more.

SQLite has no checksums. Its own check compares tables with their indexes, so it finds a damaged tag
or path; this one finds a damaged title, artist, album, genre or year. A text counts as damaged if
one of its bytes differs from a tag's: damage changes bits, not words.
"""

from collections.abc import Iterator

from index.catalogue.database import Database

TEXT_COLUMNS = ("title", "artist", "album", "genre")
_JOINT = "; "
"""Between several values of one field in a column."""


def tag_problems(database: Database) -> Iterator[str]:
    """The tracks with a damaged value in a column, in sentences."""
    for column in TEXT_COLUMNS:
        rows = database.rows(
            f"SELECT id, {column}, tags.value FROM tracks "  # noqa: S608 - our names
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
                yield _problem(track_id, column)
    for (track_id,) in database.rows(
        "SELECT id FROM tracks WHERE year IS NOT NULL "
        "AND EXISTS (SELECT 1 FROM tags WHERE track_id = id AND field = 'year') "
        "AND NOT EXISTS (SELECT 1 FROM tags WHERE track_id = id AND field = 'year' "
        "AND value = CAST(year AS TEXT)) ORDER BY id"
    ):
        yield _problem(track_id, "year")


def _differ_in_a_byte(text: str, other: str) -> bool:
    a, b = text.encode("utf-8", "surrogatepass"), other.encode("utf-8", "surrogatepass")
    return len(a) == len(b) and sum(x != y for x, y in zip(a, b, strict=True)) == 1


def _problem(track_id: int, column: str) -> str:
    return (
        f"track {track_id}: its {column} differs from its tag. 'soundalike library remove "
        f"{track_id}', then 'soundalike index' with its folder, mends it."
    )
