"""Write docs/settings.md from the settings' dataclasses; with --check, only compare.

The page adds nothing about a setting: what is missing belongs in the text below the setting in
`embedder/config`.
"""

import ast
import dataclasses
import inspect
import sys
import typing
from collections.abc import Mapping
from pathlib import Path
from types import NoneType

from embedder.config.loading import to_toml_value
from embedder.config.training import TrainingConfig

PAGE = Path(__file__).parent / "settings.md"

INTRODUCTION = """\
# Settings of `train`

`make docs` writes this page from `embedder/config`: change the texts there, not this page.

`soundalike train --set key=value` sets one of them, for example `--set loop.epochs=20`; a TOML file
given with `--config` sets many, in the tables named here. `--preset` starts from other defaults.
`--show-config` prints all settings of a run, with their choices. A list has no table of its own in
`--set`: `objectives.0.margin=0.3` sets the first objective's margin, and `[[objectives]]` in a TOML
file adds one.
"""

WORDS = {int: "whole number", float: "number", bool: "`true`, `false`", str: "text"}


def page() -> str:
    """The whole page."""
    return "\n".join([INTRODUCTION, *_sections(TrainingConfig, "")]).rstrip() + "\n"


def _sections(table: type, name: str) -> list[str]:
    """A table of settings, then the tables in it."""
    hints = typing.get_type_hints(table)
    defaults = {field.name: _default(field) for field in dataclasses.fields(table)}
    texts = _texts(table)
    inner = {key: kind for key, hint in hints.items() if (kind := _table_in(hint))}
    rows = [
        f"| `{key}` | {_type(hint)} | {_shown(defaults[key])} | {texts[key][0]} | {texts[key][1]} |"
        for key, hint in hints.items()
        if key not in inner
    ]
    parts = []
    if name:
        parts = [f"## {name}\n", f"{_summary(table)}\n"]
    if rows:
        parts += [
            "| setting | values | default | meaning | cost |",
            "|---|---|---|---|---|",
            *rows,
            "",
        ]
    for key, kind in inner.items():
        title = f"{name}.{key}" if name else key
        if _is_described_above(kind, key):
            parts.append(f"## {title}\n\n{texts[key][0]} {_same_as(key)}\n")
        else:
            parts += _sections(kind, title)
    return parts


def _is_described_above(kind: type, key: str) -> bool:
    return key in _SAME_AS and kind.__name__ in _SAME_AS[key]


_SAME_AS = {
    "beside": ("BackboneConfig", "model.backbone"),
    "members": ("MemberExcerpts", "model.excerpts"),
    "translated_to": ("FrontEndConfig", "model.front_end"),
}
"""Tables with the settings of another one."""


def _same_as(key: str) -> str:
    return f"The settings are those of `{_SAME_AS[key][1]}`."


def _summary(table: type) -> str:
    return " ".join((inspect.getdoc(table) or "").split("\n\n")[0].split())


def _texts(table: type) -> dict[str, tuple[str, str]]:
    """The meaning and the cost of each setting, from the text below it."""
    body = ast.parse(inspect.getsource(table)).body[0]
    if not isinstance(body, ast.ClassDef):
        raise TypeError(f"{table} is no class")
    texts: dict[str, tuple[str, str]] = {}
    for statement, after in zip(body.body, [*body.body[1:], None], strict=True):
        if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
            is_text = isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant)
            text = " ".join(str(after.value.value).split()) if is_text else ""
            meaning, _, cost = text.partition(" Cost: ")
            texts[statement.target.id] = (
                meaning.replace("|", "\\|"),
                cost[:1].upper() + cost[1:] or "none",
            )
    return texts


def _default(field: "dataclasses.Field[typing.Any]") -> object:
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return field.default


def _table_in(hint: object) -> type | None:
    """The dataclass of a table, a list of tables, or a table that may be absent."""
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return hint
    kinds = (_table_in(part) for part in typing.get_args(hint))
    return next((kind for kind in kinds if kind), None)


def _type(hint: object) -> str:
    if typing.get_origin(hint) is typing.Literal:
        return ", ".join(f"`{choice}`" for choice in typing.get_args(hint))
    if typing.get_origin(hint) is Mapping:
        return "table of lists"
    if typing.get_origin(hint) is tuple:
        parts = [part for part in typing.get_args(hint) if part is not Ellipsis]
        return f"list of {_type(parts[0])}" if len(parts) == 1 else "list"
    parts = [part for part in typing.get_args(hint) if part is not NoneType]
    return _type(parts[0]) if parts else WORDS[hint]  # type: ignore[index]  # a plain type


def _shown(value: object) -> str:
    return "`{}`" if value == {} else f"`{to_toml_value(value)}`"


def write(*, check: bool) -> int:
    """Write the page, or say whether it is up to date."""
    text = page()
    if not check:
        PAGE.write_text(text, encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != text:
        print("docs/settings.md is stale: run `make docs`", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(write(check="--check" in sys.argv))
