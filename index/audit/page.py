"""An audit as one HTML file: counts, then every finding with its evidence."""

from html import escape
from pathlib import Path

from embedder.whole_files import write_whole
from index.audit.results import KINDS, Audit, Finding, Json
from index.evaluate.page_style import html_page, html_table

MOST_SHOWN = 300
MOST_TRACKS = 12
EXPLAINED = {
    "suspicious-label": "A hint to listen, no verdict: neighbours are often wrong.",
    "few-artists": "A fold or a split that keeps artists apart leaves such labels nearly empty.",
    "near-duplicate": "Likeness is the mean cosine of moments at the best offset; sharpness is how "
    "far that stands above all other offsets.",
    "artist-across-split": "A network recognises an artist's sound, and scores on such a split "
    "promise too much.",
}


def write_page(path: Path, audit: Audit) -> None:
    """Write the page whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, page_of(audit).encode("utf-8", "backslashreplace"))


def page_of(audit: Audit) -> str:
    """The page's text."""
    counts = audit.counts()
    split = ", ".join(f"{count} {side}" for side, count in audit.split.items() if count)
    lead = f"{audit.n_tracks} tracks" + (f"; {split}" if split else "")
    parts = [f"<h1>Audit of {escape(audit.name)}</h1><p class='lead'>{escape(lead)}</p>"]
    cards = "".join(
        f"<div class='card'><b>{count}</b><span>{escape(kind.replace('-', ' '))}</span></div>"
        for kind, count in counts.items()
    )
    parts.append(f"<div class='cards'>{cards}</div>")
    if audit.notes:
        notes = "".join(f"<li>{escape(note)}</li>" for note in audit.notes[:MOST_SHOWN])
        parts.append(f"<ul>{notes}</ul>")
    parts += [_section(audit, kind) for kind, count in counts.items() if count]
    return html_page(f"Audit of {audit.name}", "".join(parts))


def finding_row(finding: Finding) -> Json:
    """A finding as a line of a table."""
    shown = ", ".join(finding.tracks[:MOST_TRACKS])
    more = len(finding.tracks) - MOST_TRACKS
    return {
        "kind": finding.kind,
        "certainty": finding.certainty,
        "tracks": f"{shown} and {more} more" if more > 0 else shown,
        "why": finding.why,
    }


def _section(audit: Audit, kind: str) -> str:
    found = audit.of_kind(kind)
    rows = [finding_row(finding) for finding in found[:MOST_SHOWN]]
    for row in rows:
        del row["kind"]
    if kind == "suspicious-label":
        for row, finding in zip(rows, found, strict=False):
            row["neighbours"] = ", ".join(finding.evidence["neighbours"])
    more = len(found) - MOST_SHOWN
    rest = f"<p>{more} more stand in the JSON.</p>" if more > 0 else ""
    explained = f"<p>{escape(EXPLAINED[kind])}</p>" if kind in EXPLAINED else ""
    title = f"{KINDS[kind]} ({len(found)})"
    return f"<h2>{escape(title)}</h2>{explained}{html_table(rows)}{rest}"
