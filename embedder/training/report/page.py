"""A self-contained HTML page: the style is inside, nothing is loaded, light and dark."""

import html
from collections.abc import Sequence

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --quiet: #667; --paper: #fff; --line: #dde1e6;
  --right: #23774a; --wrong: #b3531f; --first: #0b6e99; --second: #c2571a; --third: #8a8f98; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --quiet: #9aa3ad; --paper: #14181d;
  --line: #333b44; --right: #3fae77; --wrong: #d9773a; --first: #4fb3dc; --second: #e08a4f; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1500px; margin: 0 auto; padding: 24px 16px 64px; overflow-wrap: anywhere; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 560px), 1fr));
  gap: 0 3rem; align-items: start; } section { min-width: 0; }
section.whole, main > :not(section) { grid-column: 1 / -1; }
h1 { font-size: 1.6em; margin: 0 0 .6em; } h2 { font-size: 1.15em; margin: 2em 0 .5em; }
.quiet { color: var(--quiet); font-size: .9em; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; }
.tiles div { border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px; }
.tiles b { display: block; font-size: 1.25em; }
.tiles span { color: var(--quiet); font-size: .85em; }
.wide { overflow-x: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 360px), 1fr));
  gap: 20px; }
svg { max-width: min(100%, 480px); height: auto; }
svg .title { font-size: 13px; fill: var(--ink); } svg .tick { font-size: 11px; fill: var(--quiet); }
svg .end { text-anchor: end; } svg .mid { text-anchor: middle; }
svg .grid { stroke: var(--line); } svg .axis { stroke: var(--quiet); }
table { border-collapse: collapse; margin: .6em 0; font-size: .9em; }
th, td { padding: 4px 8px; text-align: left; vertical-align: top;
  border-bottom: 1px solid var(--line); font-weight: normal; }
thead th { color: var(--quiet); } td i { color: var(--quiet); } td small { color: var(--quiet); }
.confusion td { text-align: center; min-width: 2.6em; }
.confusion thead th { vertical-align: bottom; }
.confusion thead span { writing-mode: vertical-rl; transform: rotate(180deg); }
th, td { overflow-wrap: normal; } .neighbours td, td { overflow-wrap: anywhere; min-width: 3em; }
.right { border-left: 3px solid var(--right); } .wrong { border-left: 3px solid var(--wrong); }
.bar { display: inline-block; height: .7em; background: var(--first); border-radius: 2px;
  margin-right: 6px; }
@media (max-width: 700px) { .neighbours thead { display: none; }
  table.neighbours, .neighbours tbody, .neighbours tr, .neighbours td { display: block; }
  .neighbours tr { margin-bottom: 1em; } .neighbours td:first-child { font-weight: 600; }
  .tiles { display: grid; grid-template-columns: 1fr 1fr; } }
"""


def page(title: str, body: str) -> str:
    """A whole HTML document."""
    name = html.escape(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{name}</h1>\n<main>{body}</main>\n</body></html>\n"
    )


def section(title: str, body: str, *, is_whole: bool = False) -> str:
    """A section with a heading; a whole one takes all columns. Empty without a body."""
    kind = ' class="whole"' if is_whole else ""
    return f"<section{kind}><h2>{html.escape(title)}</h2>\n{body}</section>" if body else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "") -> str:
    """A table. head: HTML of each heading; rows: whole cells, from `<td>` to `</td>`."""
    top = f"<thead><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr></thead>" if head else ""
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<div class="wide"><table class="{kind}">{top}<tbody>{body}</tbody></table></div>'


def bar_cell(count: int, *, share: float) -> str:
    """A table cell with a number and a bar."""
    return f'<td><span class="bar" style="width: {200 * share:.0f}px"></span>{count}</td>'
