"""Records as the cells of a table. Pure: it writes nothing."""

from collections.abc import Sequence
from pathlib import PurePath

from embedder.errors import printable_path
from soundalike.documents import Json

SECONDS_IN_A_MINUTE = 60


def cell(name: str, value: Json) -> str:
    """One value as a person reads it in a table."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, int | float) and name == "duration_seconds":
        minutes, seconds = divmod(round(value), SECONDS_IN_A_MINUTE)
        return f"{minutes}:{seconds:02d}"
    if isinstance(value, float) and name == "score":
        return f"{value:.2f}"
    if isinstance(value, float):
        return (
            f"{value:.4g}"
            if abs(value) < 1
            else f"{value:,.4g}"
            if value < 1e4
            else f"{value:,.0f}"
        )
    if isinstance(value, int):
        # An id reads badly with separators, a count in the millions without.
        is_id = name in {"id", "ids"} or name.endswith("_id")
        return f"{value:,}" if abs(value) >= 10**5 and not is_id else str(value)
    if isinstance(value, list):
        return ", ".join(cell(name, item) for item in value)
    if isinstance(value, dict):
        return ", ".join(f"{printable_path(key)} {cell(key, item)}" for key, item in value.items())
    return printable_path(value)


def size_words(n_bytes: int) -> str:
    """A size as a person reads it: 471,505 bytes are 472 kB."""
    size = float(n_bytes)
    for unit in ("bytes", "kB", "MB", "GB"):
        if size < 1000 or unit == "GB":
            break
        size /= 1000
    return f"{size:.0f} {unit}" if size >= 10 or unit == "bytes" else f"{size:.1f} {unit}"


def with_names(rows: Sequence[dict[str, Json]]) -> list[dict[str, Json]]:
    """The rows of a table; a track without a title has the name of its file as one."""
    return [
        row | {"title": PurePath(path).name}
        if "title" in row and not row["title"] and isinstance(path := row.get("path"), str)
        else row
        for row in rows
    ]


def heading(name: str) -> str:
    """A field's name over its column."""
    return "length" if name == "duration_seconds" else printable_path(name.replace("_", " "))
