"""The style of the report pages (evaluation and audit), light or dark, and their tables."""

import math
from collections.abc import Iterable, Mapping
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink:#1c2430; --soft:#5b6675; --line:#d9dee5; --back:#fff;
  --panel:#f6f8fa; --bar:#4178be; --mark:#c4622d; --hit:#2d8a57; }
@media (prefers-color-scheme: dark) { :root { --ink:#e6e9ee; --soft:#9aa5b4; --line:#333c48;
  --back:#14181e; --panel:#1b2129; --bar:#5b93da; --mark:#e08a55; --hit:#4fb37f; } }
body { font:16px/1.5 system-ui,sans-serif; color:var(--ink); background:var(--back);
  max-width:1000px; margin:2rem auto; padding:0 1rem; }
h1 { font-size:1.5rem; margin-bottom:.2rem } h2 { font-size:1.15rem; margin-top:2.2rem }
p.lead { color:var(--soft); margin-top:0 } .wide { overflow-x:auto }
table { border-collapse:collapse; font-variant-numeric:tabular-nums; font-size:.9rem }
th,td { padding:.3rem .7rem; border-bottom:1px solid var(--line); text-align:left;
  vertical-align:top } td.short { white-space:nowrap }
td.number, th.number { text-align:right; white-space:nowrap } th { color:var(--soft) }
.cards { display:flex; flex-wrap:wrap; gap:1rem; margin:1.2rem 0 }
.card { background:var(--panel); border-radius:8px; padding:.8rem 1.1rem; min-width:8.5rem }
.card b { display:block; font-size:1.6rem; line-height:1.2 } .card span { color:var(--soft);
  font-size:.85rem }
figure { margin:1.2rem 0 } figcaption { color:var(--soft); font-size:.9rem; margin-bottom:.3rem }
svg { max-width:100%; height:auto; font:12px system-ui,sans-serif }
svg text { fill:var(--ink) } svg .tick, svg .name { fill:var(--soft) }
svg .bar, svg .dot { fill:var(--bar) } svg text.value { fill:#fff; font-weight:600 }
svg .range { stroke:var(--ink); stroke-width:2 } svg .mark { fill:none; stroke:var(--mark);
  stroke-width:2.5 } svg .halo { fill:none; stroke:var(--back); stroke-width:5.5 }
svg .grid { stroke:var(--line) } svg .frame { fill:none; stroke:var(--line) }
svg .ideal { stroke:var(--soft); stroke-dasharray:4 4 } svg .curve { fill:none; stroke:var(--bar);
  stroke-width:1.5 } svg .hit { fill:var(--hit) } svg .miss { fill:var(--mark) }
svg .hit, svg .miss { stroke:var(--line) } svg .cell { text-anchor:middle }
@media (max-width:700px) { figure { overflow-x:auto } svg { max-width:none } }
svg .bold { font-weight:700 } code { font-size:.9em } li { margin:.2rem 0 }
"""

SHORT_CHARACTERS = 24
"""A cell of at most so many characters stays on one line."""


def html_page(title: str, body: str) -> str:
    """A page that loads no other file."""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{STYLE}</style></head><body>{body}</body></html>\n"
    )


def html_table(rows: Iterable[Mapping[str, object]]) -> str:
    """A table whose columns are the names in the rows; numbers are right-aligned."""
    listed = list(rows)
    if not listed:
        return ""
    names = list(dict.fromkeys(name for row in listed for name in row))
    numeric = {
        name: all(isinstance(row.get(name), int | float | None) for row in listed) for name in names
    }
    head = "".join(f"<th{_class(numeric[name])}>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(_cell(_words(row.get(n)), is_number=numeric[n]) for n in names) + "</tr>"
        for row in listed
    )
    return f'<div class="wide"><table><tr>{head}</tr>{body}</table></div>'


def _cell(words: str, *, is_number: bool) -> str:
    kind = _class(is_number) or (' class="short"' if len(words) <= SHORT_CHARACTERS else "")
    return f"<td{kind}>{escape(words)}</td>"


def _class(is_number: bool) -> str:
    return ' class="number"' if is_number else ""


def _words(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return "" if math.isnan(value) else f"{value:.3f}"
    if isinstance(value, list | tuple):
        return ", ".join(_words(item) for item in value)
    text = str(value)
    return text.encode("utf-8", "backslashreplace").decode()  # a path may not be UTF-8
