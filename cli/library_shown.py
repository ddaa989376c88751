"""A library as a person reads it: what is wrong first, then sentences, then a table of fields."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from cli.records import cell, size_words
from embedder.errors import printable_path

if TYPE_CHECKING:
    from index.library_folder.report import LibraryReport

SKEWED = 1.4
"""Above this, the skewness of k-occurrence is called high."""
FIELD_COLUMNS = ("field", "tracks", "share")


def library_sentences(report: "LibraryReport") -> Iterator[str]:
    """What is wrong, what there is, how it is searched, and its hubs: a line each."""
    info = report.info
    yield f"{printable_path(info.folder)}: {_tracks(report)}."
    if info.n_failures:
        yield f"{_counted(info.n_failures, 'file')} could not be used (listed below)."
    if info.n_gone:
        yield (
            f"{_counted(info.n_gone, 'track')} gone: the files are missing. They come back with "
            "the files; 'soundalike index --prune' removes them."
        )
    yield (
        f"Model: {report.model} ({info.fingerprint[:12]}). Vectors have {info.embedding_size} "
        f"numbers, compared by {info.geometry}. Scores are {_scores(report)}."
    )
    correction = report.correction
    hubs = (
        "no correction for hubs" if correction == "none" else f"corrected for hubs by {correction}"
    )
    yield f"Search: {info.store['kind']} ({report.why}), {hubs}."
    if report.hubness is not None:
        how = "high" if report.hubness.skewness > SKEWED else "normal"
        yield (
            f"Hubs: skewness {report.hubness.skewness:.2f}, which is {how}. Hubs take "
            f"{report.hubness.hub_share:.1%} of all places among the {report.hubness.k} nearest, "
            f"and {report.hubness.orphan_share:.1%} of the tracks have none."
        )
        largest = zip(report.hubness.hubs, report.hub_paths, strict=True)
        for (track_id, count), path in largest:
            yield f"  {track_id} is among the nearest of {count} tracks: {printable_path(path)}"
    total = size_words(sum(report.bytes_on_disk.values()))
    sizes = sorted(report.bytes_on_disk.items(), key=lambda item: -item[1])
    parts = ", ".join(f"{name} {size_words(n_bytes)}" for name, n_bytes in sizes)
    yield f"On disk: {total} ({parts})."


def field_rows(report: "LibraryReport") -> list[dict[str, object]]:
    """The fields, those of most tracks first, with the share of tracks that have them."""
    n_tracks = max(report.info.n_tracks, 1)
    by_count = sorted(report.fields.items(), key=lambda item: (-item[1], item[0]))
    return [
        {"field": name, "tracks": count, "share": f"{count / n_tracks:.0%}"}
        for name, count in by_count
    ]


def _tracks(report: "LibraryReport") -> str:
    info = report.info
    parts = [_counted(info.n_tracks, "track")]
    if info.n_duplicates:
        of_what = _counted(info.n_copied, "recording")
        parts.append(f"{cell('', info.n_duplicates)} of them copies of {of_what}")
    if report.artists.n_artists:
        names = ""
        if report.artists.n_names != report.artists.n_artists:
            names = f" (by {_counted(report.artists.n_names, 'name')} in the tags)"
        parts.append(f"{_counted(report.artists.n_artists, 'artist')}{names}")
    return ", ".join(parts)


def _counted(count: int, what: str) -> str:
    return f"{cell('', count)} {what}{'' if count == 1 else 's'}"


def _scores(report: "LibraryReport") -> str:
    """What the scores of neighbours were fitted to."""
    if report.scores is not None and report.scores["n_tracks"]:
        field = report.scores["field"]
        about = f"the field {field} and the artists" if field else "the artists"
        return f"fitted to {about} of {_counted(report.scores['n_tracks'], 'track')}"
    if report.is_calibrated:
        return "the model's: too few tracks have tags to fit them, or 'soundalike index' has yet to"
    return "not calibrated: only their order counts"
