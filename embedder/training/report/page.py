"""A self-contained HTML page: the style is inside, nothing is loaded, light and dark."""

import html
from collections.abc import Sequence

_STYLE = """
:root { color-scheme: light dark; --ink: #1d2329; --quiet: #667; --paper: #fff; --line: #dde1e6;
  --right: #2b8a5a; --wrong: #c2571a; --first: #0b6e99; --second: #c2571a; --third: #8a8f98; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e9ee; --quiet: #9aa3ad; --paper: #14181d;
  --line: #333b44; --right: #3fae77; --wrong: #d9773a; --first: #4fb3dc; --second: #e08a4f; } }
* { box-sizing: border-box; }
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
  max-width: 1000px; margin: 0 auto; padding: 24px 16px 64px; }
h1 { font-size: 1.6em; margin: 0 0 .6em; } h2 { font-size: 1.15em; margin: 2em 0 .5em; }
.quiet { color: var(--quiet); font-size: .9em; }
.tiles { display: flex; flex-wrap: wrap; gap: 10px; }
.tiles div { border: 1px solid var(--line); border-radius: 8px; padding: 8px 14px; }
.tiles b { display: block; font-size: 1.25em; }
.tiles span { color: var(--quiet); font-size: .85em; }
.wide { overflow-x: auto; }
.charts { display: grid; grid-template-columns: repeat(auto-fit, minmax(360px, 1fr)); gap: 20px; }
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
.neighbours td { overflow-wrap: anywhere; }
.right { border-left: 3px solid var(--right); } .wrong { border-left: 3px solid var(--wrong); }
.bar { display: inline-block; height: .7em; background: var(--first); border-radius: 2px;
  margin-right: 6px; }
"""


def page(title: str, body: str) -> str:
    """A whole HTML document."""
    name = html.escape(title)
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{name}</title><style>{_STYLE}</style></head>\n"
        f"<body><h1>{name}</h1>\n{body}\n</body></html>\n"
    )


def section(title: str, body: str) -> str:
    """A section with a heading; empty if the body is empty."""
    return f"<h2>{html.escape(title)}</h2>\n{body}" if body else ""


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, kind: str = "") -> str:
    """A table. head: HTML of each heading; rows: whole cells, from `<td>` to `</td>`."""
    top = f"<thead><tr>{''.join(f'<th>{cell}</th>' for cell in head)}</tr></thead>" if head else ""
    body = "\n".join(f"<tr>{''.join(cells)}</tr>" for cells in rows)
    return f'<div class="wide"><table class="{kind}">{top}<tbody>{body}</tbody></table></div>'


def bar_cell(count: int, *, share: float) -> str:
    """A table cell with a number and a bar."""
    return f'<td><span class="bar" style="width: {200 * share:.0f}px"></span>{count}</td>'
