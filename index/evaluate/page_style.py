"""The style of the report pages (evaluation and audit), light or dark, and their tables."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from html import escape

STYLE = """
:root { color-scheme: light dark; --ink:#1c2430; --soft:#5b6675; --line:#d9dee5; --back:#fff;
  --panel:#f6f8fa; --bar:#4178be; --mark:#b3531f; --hit:#23774a; }
@media (prefers-color-scheme: dark) { :root { --ink:#e6e9ee; --soft:#9aa5b4; --line:#333c48;
  --back:#14181e; --panel:#1b2129; --bar:#5b93da; --mark:#e08a55; --hit:#4fb37f; } }
* { box-sizing:border-box }
body { font:16px/1.5 system-ui,sans-serif; color:var(--ink); background:var(--back);
  max-width:1500px; margin:2rem auto; padding:0 1rem; overflow-wrap:anywhere }
h1 { font-size:1.5rem; margin:0 0 .2rem } h2 { font-size:1.15rem; margin:2.2rem 0 .5rem }
p.lead { color:var(--soft); margin-top:0 } .wide { overflow-x:auto }
main { display:grid; grid-template-columns:repeat(auto-fit,minmax(min(100%,560px),1fr));
  gap:0 3rem; align-items:start } section { min-width:0 } section.whole { grid-column:1/-1 }
table { border-collapse:collapse; font-variant-numeric:tabular-nums; font-size:.9rem }
th,td { padding:.3rem .7rem; border-bottom:1px solid var(--line); text-align:left;
  vertical-align:top; overflow-wrap:normal } td { min-width:3.5rem } td.short { white-space:nowrap }
td.number, th.number { text-align:right; white-space:nowrap } th { color:var(--soft) }
table.list td { overflow-wrap:anywhere } td p { margin:0 }
td small { display:block; color:var(--soft); overflow-wrap:anywhere }
.cards { display:flex; flex-wrap:wrap; gap:1rem; margin:1.2rem 0 }
.card { background:var(--panel); border-radius:8px; padding:.8rem 1.1rem; min-width:8.5rem }
.card b { display:block; font-size:1.6rem; line-height:1.2 } .card span { color:var(--soft);
  font-size:.85rem }
figure { margin:0 0 1.2rem } figcaption { color:var(--soft); font-size:.9rem; margin-bottom:.5rem }
svg { max-width:100%; height:auto; font:12px system-ui,sans-serif }
svg text { fill:var(--ink) } svg .tick, svg .name { fill:var(--soft) }
svg .dot { fill:var(--bar) } svg .frame { fill:none; stroke:var(--line) }
svg .ideal { stroke:var(--soft); stroke-dasharray:4 4 } svg .curve { fill:none; stroke:var(--bar);
  stroke-width:1.5 }
.bars { display:grid; grid-template-columns:fit-content(13rem) 1fr; gap:.35rem .7rem;
  font-size:.85rem; font-variant-numeric:tabular-nums }
.bars .name { color:var(--soft); text-align:right }
.bars .track { position:relative; height:1.3rem; margin-right:3.4rem; align-self:center;
  background:repeating-linear-gradient(90deg,var(--line) 0 1px,transparent 1px 20%) }
.bars .track > * { position:absolute; top:50%; transform:translateY(-50%) }
.bars .bar { left:0; height:.95rem; border-radius:3px; background:var(--bar) }
.bars .range { height:2px; background:var(--ink) }
.bars .mark { width:.8rem; height:.8rem; margin-left:-.4rem; border-radius:50%;
  border:2.5px solid var(--mark); outline:2px solid var(--back) }
.bars .value { margin-left:.6rem; background:var(--back); padding:0 .15rem }
table.heat { font-size:.85rem } table.heat td { text-align:center; min-width:2.6rem;
  border:1px solid var(--line); padding:.45rem .3rem }
table.heat thead th { vertical-align:bottom; padding:.3rem } table.heat thead span {
  writing-mode:vertical-rl; transform:rotate(180deg); max-height:9rem }
table.heat tbody th { text-align:right; max-width:9rem } table.heat .hit { font-weight:700;
  background:color-mix(in srgb,var(--hit) var(--share),var(--back)) }
table.heat .miss { background:color-mix(in srgb,var(--mark) var(--share),var(--back)) }
code { font-size:.9em } li { margin:.2rem 0 } ul { padding-left:1.3rem }
@media (max-width:700px) { body { margin:1rem auto } .cards { display:grid; gap:.6rem;
  grid-template-columns:1fr 1fr } .card { min-width:0; padding:.6rem .8rem }
  .bars { grid-template-columns:1fr } .bars .name { text-align:left; margin-bottom:-.3rem }
  table.list, table.list tbody, table.list tr, table.list td { display:block; border:0 }
  table.list th { display:none } table.list tr { border-bottom:1px solid var(--line);
  padding:.5rem 0 } table.list td { padding:.1rem 0; white-space:normal }
  table.list td:empty { display:none } }
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


def section(title: str, content: str, *, is_whole: bool = False) -> str:
    """A part of a page with a heading: beside another if there is room, or over all columns."""
    kind = ' class="whole"' if is_whole else ""
    return f"<section{kind}><h2>{escape(title)}</h2>{content}</section>" if content else ""


@dataclass(frozen=True, slots=True)
class Named:
    """Tracks in a cell of a table: each a name, and in small letters where it is."""

    tracks: tuple[tuple[str, str], ...]
    n_more: int = 0


def html_table(rows: Iterable[Mapping[str, object]], *, is_list: bool = False) -> str:
    """A table whose columns are the names in the rows; numbers are right-aligned.

    is_list: on a phone each row becomes a paragraph, for tables of texts.
    """
    listed = list(rows)
    if not listed:
        return ""
    names = list(dict.fromkeys(name for row in listed for name in row))
    numeric = {
        name: all(isinstance(row.get(name), int | float | None) for row in listed) for name in names
    }
    head = "".join(f"<th{_class(numeric[name])}>{escape(name)}</th>" for name in names)
    body = "".join(
        "<tr>" + "".join(_cell(row.get(n), is_number=numeric[n]) for n in names) + "</tr>"
        for row in listed
    )
    kind = ' class="list"' if is_list else ""
    return f'<div class="wide"><table{kind}><tr>{head}</tr>{body}</table></div>'


def _cell(value: object, *, is_number: bool) -> str:
    if isinstance(value, Named):
        lines = [
            f"<p>{escape(_words(name))}<small>{escape(_words(place))}</small></p>"
            for name, place in value.tracks
        ]
        more = f"<p>and {value.n_more} more</p>" if value.n_more > 0 else ""
        return f"<td>{''.join(lines)}{more}</td>"
    words = _words(value)
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
