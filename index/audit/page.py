"""An audit as one HTML file: the counts, then every finding with its evidence."""

from collections.abc import Sequence
from html import escape
from pathlib import Path, PurePath

from embedder.whole_files import write_whole
from index.audit.results import KINDS, Audit, Finding, Json
from index.catalogue.wording import counted
from index.evaluate.page_style import Named, html_page, html_table, section

MOST_SHOWN = 300
MOST_TRACKS = 12
SHOWN_NEAR = 4
FEW_COLUMNS = 3
"""A wider table takes the page's whole width."""
EXPLAINED = {
    "suspicious-label": "A hint to check by ear: neighbours are often wrong.",
    "few-artists": "In folds or a split that keeps artists apart, such labels have few tracks.",
    "near-duplicate": "Likeness is the mean cosine of the columns at the best offset; sharpness is "
    "the likeness minus the best at any other offset.",
    "artist-across-split": "A network recognises an artist's sound, so scores on such a split are "
    "too high.",
}


def write_page(path: Path, audit: Audit) -> None:
    """Write the page whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page_of(audit).encode("utf-8", "backslashreplace"))


def page_of(audit: Audit) -> str:
    """The page's text."""
    counts = audit.counts()
    split = ", ".join(f"{count} {side}" for side, count in audit.split.items() if count)
    lead = counted(audit.n_tracks, "track") + (f"; {split}" if split else "")
    parts = [f"<h1>Audit of {escape(audit.name)}</h1><p class='lead'>{escape(lead)}</p>"]
    cards = "".join(
        f"<div class='card'><b>{count}</b><span>{escape(kind.replace('-', ' '))}</span></div>"
        for kind, count in counts.items()
        if count
    )
    parts.append(f"<div class='cards'>{cards}</div>" if cards else "<p>No findings.</p>")
    none_of = ", ".join(kind.replace("-", " ") for kind, count in counts.items() if not count)
    if none_of:
        parts.append(f"<p class='lead'>Checked, and nothing found: {escape(none_of)}.</p>")
    if audit.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in audit.notes[:MOST_SHOWN])
        parts.append(f"<ul>{notes}</ul>")
    parts.append("<main>")
    parts += [_section(audit, kind) for kind, count in counts.items() if count]
    parts.append("</main>")
    return html_page(f"Audit of {audit.name}", "".join(parts))


def finding_row(audit: Audit, finding: Finding) -> Json:
    """A finding as a line of a table. Tracks with equal names have the names of their files too."""
    names = [audit.names.get(key, key) for key in finding.tracks[:MOST_TRACKS]]
    shown = ", ".join(
        f"{name} [{PurePath(key).name}]" if names.count(name) > 1 and name != key else name
        for name, key in zip(names, finding.tracks, strict=False)
    )
    more = len(finding.tracks) - MOST_TRACKS
    return {
        "kind": finding.kind,
        "certainty": finding.certainty,
        "tracks": f"{shown} and {more} more" if more > 0 else shown,
        "why": finding.why,
    }


def _row(audit: Audit, finding: Finding) -> Json:
    """A finding on the page: each track by its name, with its path."""
    row: Json = {
        "tracks": _named(audit, finding.tracks),
        "why": finding.why,
        "certainty": finding.certainty,
    }
    if "neighbours" in finding.evidence:
        row["neighbours"] = Named(_named(audit, finding.evidence["neighbours"]).tracks[:SHOWN_NEAR])
    return row


def _named(audit: Audit, keys: Sequence[str]) -> Named:
    tracks = [(audit.names.get(key, PurePath(key).name), key) for key in keys[:MOST_TRACKS]]
    return Named(tuple(tracks), n_more=len(keys) - MOST_TRACKS)


def _section(audit: Audit, kind: str) -> str:
    findings = audit.of_kind(kind)
    rows = [_row(audit, finding) for finding in findings[:MOST_SHOWN]]
    n_more = len(findings) - MOST_SHOWN
    more = f"<p>{n_more} more are in the JSON.</p>" if n_more > 0 else ""
    explanation = f"<p>{escape(EXPLAINED[kind])}</p>" if kind in EXPLAINED else ""
    title = f"{KINDS[kind]} ({len(findings)})"
    is_whole = len(rows[0]) > FEW_COLUMNS
    return section(title, f"{explanation}{html_table(rows, is_list=True)}{more}", is_whole=is_whole)
