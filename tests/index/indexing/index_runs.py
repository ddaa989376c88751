"""Runs of the indexer with the toy encoder, and what they report."""

from pathlib import Path

from index.indexing.request import IndexOptions
from index.indexing.results import IndexReport
from index.library import Library
from tests.index.toy_encoder import ToyEncoder


def index(
    library: Library, music: Path, encoder: ToyEncoder | None = None, **options: object
) -> tuple[IndexReport, ToyEncoder]:
    encoder = encoder or ToyEncoder()
    report = library.index([music], encoder=encoder, options=IndexOptions(**options))
    return report, encoder


def ids_by_name(library: Library) -> dict[str, int]:
    return {Path(track.path).name: track.id for track in library.all_tracks()}


def counts(report: IndexReport) -> dict[str, int]:
    names = ("added", "updated", "moved", "unchanged", "removed", "gone")
    return {name: value for name in names if (value := report.to_json()[name])}
