"""The whole audit: analyse every track, find repeats, check the split and the labels."""

import csv
import io
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from embedder.datasets.csv_cells import plain_row
from embedder.datasets.dataset import Dataset
from embedder.geometry import Cosine, Geometry
from embedder.metrics.ranking import Ids
from embedder.whole_files import write_whole
from index.audit.alignment import SHORTEST_OVERLAP, Picture, audible_columns
from index.audit.labels import conflicts, suspicious_labels
from index.audit.repeats import (
    exact_repeats,
    near_repeats,
    same_titles,
    with_prints,
    with_repeats,
)
from index.audit.results import Audit, Finding
from index.audit.sides import FEWEST_ARTISTS, FixedSplit, fixed_split, leaks, rare_labels
from index.audit.sound import AnalysedTracks, analyse_tracks
from index.catalogue.wording import counted
from index.evaluate.material import material_of
from index.evaluate.vector_set import VectorSet

ANALYSING = "Analysing"
"""The step that reads every track; the others are quick."""

NOT_DECODED = AnalysedTracks((), (), ())
NOT_DECODED_NOTE = "no file was decoded: broken audio is looked for with --sound"

OnProgress = Callable[[str, int, int], None]
"""Called with the current step, the number of tracks done and the number in total."""


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """The settings of an audit."""

    field: str = "genre"
    fewest_artists: int = FEWEST_ARTISTS
    seed: int = 0
    workers: int = 1
    with_sound: bool = True
    """Decode each file to its end to find broken audio; without it, near repeats are those that
    the rows list already, as a library's do."""


@dataclass(frozen=True, slots=True)
class Audited:
    """The findings, and the data set with its repeats in `duplicate_of`.

    Likely repeats count too: keeping two recordings together costs a split little, while one
    recording on two sides spoils its scores.
    """

    audit: Audit
    with_repeats: Dataset
    settings: AuditSettings

    def fixed_split(self) -> FixedSplit:
        """Sides that split neither an artist nor a recording."""
        return fixed_split(
            self.with_repeats, label_field=self.settings.field, seed=self.settings.seed
        )


def audit(
    dataset: Dataset,
    *,
    settings: AuditSettings,
    vector_set: VectorSet | None = None,
    by_content: bool = True,
    on_progress: OnProgress | None = None,
) -> Audited:
    """Audit a data set.

    vector_set: the vectors that candidates for repeats and neighbours come from; by default row
    statistics of the pictures. by_content: False if `duplicate_of` has all equal content already.
    """

    def report(what: str) -> Callable[[int, int], None] | None:
        if on_progress is None:
            return None
        return lambda n_done, n_all: on_progress(what, n_done, n_all)

    analysed = NOT_DECODED
    if settings.with_sound:
        analysed = analyse_tracks(dataset, workers=settings.workers, on_progress=report(ANALYSING))
    exact = exact_repeats(dataset, by_content=by_content)
    titles = same_titles(dataset)
    positions, vectors, geometry = _vectors(analysed, vector_set)
    near: list[Finding] = []
    if analysed.pictures and len(positions) > 1:
        near = _near(dataset, analysed, exact, positions, vectors, geometry, report("Comparing"))
    near = with_prints(near, exact, dataset, analysed.prints)
    repeats = [*exact, *near, *titles]
    unreadable = [
        Finding("unreadable", (os.fsdecode(left_out.path),), left_out.reason)
        for left_out in dataset.left_out
    ]
    checked = [*analysed.checked, "exact-duplicate", "near-duplicate"]
    checked += ["unreadable"] if "unreadable" not in checked else []
    checked += ["same-title"] if any(row.title for row in dataset.rows) else []
    findings = [*analysed.findings, *unreadable, *repeats]
    linked = with_repeats(dataset, [repeat for repeat in repeats if repeat.certainty == "certain"])
    split = _split_counts(dataset)
    if split:
        findings += leaks(dataset, repeats)
        checked += ["duplicate-across-split", "artist-across-split", "album-across-split"]
    notes = _too_short(analysed) if settings.with_sound else [NOT_DECODED_NOTE]
    if settings.field in dataset.label_fields:
        material = material_of(linked, field=settings.field, group="artist", by_content=False)
        findings += rare_labels(dataset, settings.field, fewest=settings.fewest_artists)
        findings += conflicts(dataset, repeats, settings.field)
        checked += ["few-artists", "label-conflict", "suspicious-label"]
        if len(positions) > 1:
            findings += suspicious_labels(material, vectors, geometry=geometry, positions=positions)
    else:
        notes.append(f"no {settings.field} is known: labels were not checked")
    if not any(row.group is not None for row in dataset.rows):
        notes.append("no artist or album is known: leaks between artists were not checked")
    report_of_audit = Audit(
        dataset.root.name,
        len(dataset.rows),
        tuple(checked),
        tuple(findings),
        split,
        tuple(notes),
        _names(dataset, findings),
    )
    return Audited(report_of_audit, with_repeats(dataset, repeats), settings)


def write_split(path: Path, audited: Audited) -> FixedSplit:
    """Write a split as a table (track, split, group, was) that `evaluate --split` reads."""
    fixed = audited.fixed_split()
    text = io.StringIO()
    table = csv.writer(text, lineterminator="\n")
    table.writerow(["track", "split", "group", "was"])
    for row in audited.with_repeats.rows:
        table.writerow(plain_row([row.key, fixed.sides[row.key], row.group or "", row.split]))
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.getvalue().encode("utf-8", "surrogateescape"))
    return fixed


def _near(
    dataset: Dataset,
    analysed: AnalysedTracks,
    exact: list[Finding],
    positions: Ids,
    vectors: NDArray[np.float32],
    geometry: Geometry,
    on_progress: Callable[[int, int], None] | None,
) -> list[Finding]:
    """Near repeats of tracks with different content: of equal tracks only the first is compared."""
    copies = {key for finding in exact for key in finding.tracks[1:]}
    is_first = np.array([dataset.rows[i].key not in copies for i in positions.tolist()], dtype=bool)
    rows = positions[is_first]
    if len(rows) < 2:
        return []
    return near_repeats(
        dataset.subset(rows),
        [analysed.pictures[i] for i in rows.tolist()],
        vectors=vectors[is_first],
        geometry=geometry,
        on_progress=on_progress,
    )


def _vectors(
    analysed: AnalysedTracks, vector_set: VectorSet | None
) -> tuple[Ids, NDArray[np.float32], Geometry]:
    """The positions of the tracks with a vector, and their vectors, scaled if they need it."""
    if vector_set is not None:
        all_rows = np.arange(len(vector_set.positions))
        usable = all_rows
        if analysed.pictures:
            has_picture = [analysed.pictures[i] is not None for i in vector_set.positions.tolist()]
            usable = np.flatnonzero(has_picture)
        scaled = vector_set.scaled_by(all_rows)[usable]
        return vector_set.positions[usable], scaled, vector_set.geometry
    rows = [i for i, picture in enumerate(analysed.pictures) if picture is not None]
    if not rows:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 1), dtype=np.float32), Cosine()
    statistics = np.stack([_statistics(analysed.pictures[i]) for i in rows])
    row_statistics = VectorSet(
        "row-statistics",
        "baseline",
        statistics,
        np.array(rows, dtype=np.int64),
        Cosine(),
        needs_scaling=True,
    )
    scaled = row_statistics.scaled_by(np.arange(len(rows)))
    return row_statistics.positions, scaled, row_statistics.geometry


def _names(dataset: Dataset, findings: list[Finding]) -> dict[str, str]:
    """The tracks of the findings by artist and title."""
    keys = {key for finding in findings for key in finding.tracks}
    keys |= {key for finding in findings for key in finding.evidence.get("neighbours", ())}
    return {
        row.key: " – ".join(part for part in (row.artist, row.title) if part)
        for row in dataset.rows
        if row.key in keys and row.title
    }


def _too_short(analysed: AnalysedTracks) -> list[str]:
    pictures = [picture for picture in analysed.pictures if picture is not None]
    n_short = sum(picture.shape[1] < SHORTEST_OVERLAP for picture in pictures)
    if not n_short:
        return []
    return [f"{counted(n_short, 'track', 'are')} too short to be checked for near duplicates"]


def _statistics(picture: Picture | None) -> NDArray[np.float32]:
    if picture is None:
        return np.zeros(2, dtype=np.float32)
    levels = picture[:, audible_columns(picture)]
    return np.concatenate([levels.mean(axis=1), levels.std(axis=1)])


def _split_counts(dataset: Dataset) -> dict[str, int]:
    counts = {
        side or "none": len(dataset.positions(side)) for side in ("train", "validation", "test", "")
    }
    return counts if sum(counts.values()) > counts["none"] else {}
