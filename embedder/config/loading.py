"""Frozen dataclasses from a preset, a TOML file and `key=value` assignments, in that order.

They are merged once, and the frozen result is passed down. An unknown key is an error that names
the nearest valid key.
"""

import dataclasses
import difflib
import math
import tomllib
import types
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from embedder.errors import ConfigError, printable_path

Config = TypeVar("Config")

_WORDS = {
    int: "a whole number",
    float: "a number",
    bool: "true or false",
    str: "a text in quotes",
    Path: "a path in quotes",
}
"""What a message calls the type of a setting."""


def to_dict(config: object) -> dict[str, Any]:
    """A frozen dataclass as dicts, lists, strings and numbers, for JSON and TOML."""
    if not dataclasses.is_dataclass(config) or isinstance(config, type):
        raise TypeError(f"{config!r} is not a configuration")
    return {field.name: _plain(getattr(config, field.name)) for field in dataclasses.fields(config)}


def from_dict(kind: type[Config], mapping: Mapping[str, Any], *, where: str = "settings") -> Config:
    """Build `kind` from nested mappings; absent keys keep their defaults."""
    hints = typing.get_type_hints(kind)
    names = [field.name for field in dataclasses.fields(kind)]  # type: ignore[arg-type]  # checked by _convert
    for key in mapping:
        if key not in names:
            raise ConfigError(_unknown_key(key, names, where))
    values = {
        key: _convert(value, hints[key], where=f"{where}.{key}") for key, value in mapping.items()
    }
    return kind(**values)


def read_toml(path: Path) -> dict[str, Any]:
    """A TOML file as nested dicts."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise ConfigError(f"{printable_path(path)}: {error.strerror or error}") from error
    except (ValueError, RecursionError) as error:  # not UTF-8, too many digits, nested too deeply
        raise ConfigError(f"{printable_path(path)}: not a TOML file: {error}") from error


def configure(
    preset: Config, *, toml: Path | None = None, assignments: Sequence[str] = ()
) -> Config:
    """The preset, overridden by the TOML file, overridden by `key.sub=value` assignments."""
    settings = to_dict(preset)
    if toml is not None:
        settings = _merged(settings, read_toml(toml))
    for assignment in assignments:
        settings = _merged(settings, parse_assignment(assignment))
    return from_dict(type(preset), settings, where=str(toml) if toml else "settings")


def parse_assignment(text: str) -> dict[str, Any]:
    """`backbone.kernel=5` as `{"backbone": {"kernel": 5}}`; a bare word is text.

    A number is a position in a list: `objectives.0.margin=0.3`.
    """
    key, separator, value_text = text.partition("=")
    parts = key.strip().split(".")
    if not separator or not all(p.isidentifier() or p.isdigit() for p in parts):
        raise ConfigError(f"{text!r}: write key=value, for example backbone.kernel=5")
    try:
        value = tomllib.loads(f"value = {value_text}")["value"]
    except (ValueError, RecursionError):  # no TOML, too many digits, nested too deeply
        value = value_text.strip()
    for part in reversed(parts):
        value = {part: value}
    return typing.cast("dict[str, Any]", value)


def to_toml(config: object, *, with_choices: bool = False) -> str:
    """A configuration as TOML text; `read_toml` and `from_dict` give it back unchanged.

    with_choices: a comment lists the choices of each setting that has any.
    """
    choices = choices_of(type(config)) if with_choices else {}
    lines = _toml_lines(to_dict(config), prefix="", choices=choices)
    return "\n".join(lines).strip() + "\n"


def choices_of(kind: Any) -> dict[str, tuple[str, ...]]:
    """The choices of each setting that has any, by its name with all tables above it."""
    if typing.get_origin(kind) is typing.Literal:
        return {"": tuple(map(str, typing.get_args(kind)))}
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        return {name: c for part in typing.get_args(kind) for name, c in choices_of(part).items()}
    return {
        f"{name}.{inner}" if inner else name: choices
        for name, hint in typing.get_type_hints(kind).items()
        for inner, choices in choices_of(hint).items()
    }


def _merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(base)
    for key, value in over.items():
        base_value = result.get(key)
        if isinstance(base_value, Mapping) and isinstance(value, Mapping):
            result[key] = _merged(base_value, value)
        elif isinstance(base_value, list) and isinstance(value, Mapping):
            result[key] = _merged_list(base_value, value, where=key)
        else:
            result[key] = value
    return result


def _merged_list(base: Sequence[Any], over: Mapping[str, Any], *, where: str) -> list[Any]:
    """A list with the items replaced whose numbers are keys of `over`."""
    items = {str(number): item for number, item in enumerate(base)}
    for key in over:
        if key not in items:
            raise ConfigError(f"{where}.{key}: there are {len(base)} of them, counted from 0")
    return list(_merged(items, over).values())


def _plain(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        return to_dict(value)
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, tuple | list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, Path) else value


def _convert(value: Any, hint: Any, *, where: str) -> Any:
    """One value converted to its annotation, or a ConfigError with the expected type."""
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if hint is Any:
        return value
    if origin in (typing.Union, types.UnionType):
        return _convert_union(value, arguments, where=where)
    if origin is typing.Literal:
        if value not in arguments and str(value) in arguments:  # a number: precision=32
            return str(value)
        if value not in arguments:
            raise ConfigError(f"{where} = {value!r}: use {', '.join(map(str, arguments))}")
        return value
    if dataclasses.is_dataclass(hint) and isinstance(hint, type):
        if isinstance(value, hint):
            return value
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} = {value!r}: give a table of settings")
        return from_dict(hint, value, where=where)
    if origin is tuple:
        return _convert_tuple(value, arguments, where=where)
    if origin in (dict, Mapping, typing.get_origin(Mapping[str, Any])):
        if not isinstance(value, Mapping):
            raise ConfigError(f"{where} = {value!r}: give a table")
        return {str(k): _convert(v, arguments[1], where=f"{where}.{k}") for k, v in value.items()}
    return _convert_scalar(value, hint, where=where)


def _convert_union(value: Any, arguments: tuple[Any, ...], *, where: str) -> Any:
    if value is None and types.NoneType in arguments:
        return None
    reasons = []
    for option in arguments:
        if option is types.NoneType:
            continue
        try:
            return _convert(value, option, where=where)
        except ConfigError as error:
            reasons.append(str(error))
    raise ConfigError(reasons[0])


def _convert_tuple(value: Any, arguments: tuple[Any, ...], *, where: str) -> tuple[Any, ...]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise ConfigError(f"{where} = {value!r}: give a list")
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        return tuple(_convert(v, arguments[0], where=f"{where}[{i}]") for i, v in enumerate(value))
    if len(value) != len(arguments):
        raise ConfigError(f"{where} = {value!r}: give {len(arguments)} values")
    pairs = zip(value, arguments, strict=True)
    return tuple(_convert(v, a, where=f"{where}[{i}]") for i, (v, a) in enumerate(pairs))


def _convert_scalar(value: Any, hint: Any, *, where: str) -> Any:
    if hint is Path and isinstance(value, str):
        return Path(value)
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        try:
            return float(value)
        except OverflowError as error:
            raise ConfigError(f"{where}: a number that is too large") from error
    if hint is float and isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{where} = {value!r}: give a finite number")
    wrong_bool = isinstance(value, bool) and hint is not bool
    if not isinstance(hint, type) or not isinstance(value, hint) or wrong_bool:
        raise ConfigError(f"{where} = {value!r}: give {_WORDS.get(hint, str(hint))}")
    return value


def _unknown_key(key: str, names: Sequence[str], where: str) -> str:
    close = difflib.get_close_matches(key, names, n=1)
    hint = f" Did you mean {close[0]}?" if close else f" Valid: {', '.join(names)}."
    return f"{where}: unknown setting {key!r}.{hint}"


def _toml_lines(
    table: Mapping[str, Any], *, prefix: str, choices: Mapping[str, tuple[str, ...]]
) -> list[str]:
    lines = [
        f"{_toml_key(key)} = {to_toml_value(value)}{_comment(choices.get(prefix + key, ()))}"
        for key, value in table.items()
        if value is not None and not _is_table(value)
    ]
    for key, value in table.items():
        name = f"{prefix}{key}"
        inner = [value] if isinstance(value, Mapping) else value if _is_table(value) else []
        header = f"[{name}]" if isinstance(value, Mapping) else f"[[{name}]]"
        for item in inner:
            lines += ["", header, *_toml_lines(item, prefix=f"{name}.", choices=choices)]
    return lines


def _comment(choices: tuple[str, ...]) -> str:
    return f"  # {', '.join(choices)}" if choices else ""


def _is_table(value: Any) -> bool:
    is_tables = isinstance(value, list) and bool(value) and isinstance(value[0], Mapping)
    return isinstance(value, Mapping) or is_tables


def _toml_key(key: str) -> str:
    """A key as it is, or in quotes if TOML needs them."""
    is_bare = key.isascii() and key.replace("_", "").replace("-", "").isalnum()
    return key if is_bare else to_toml_value(key)


def to_toml_value(value: Any) -> str:
    """One value as TOML text."""
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'"{escaped}"'
    if isinstance(value, list | tuple):
        return f"[{', '.join(to_toml_value(item) for item in value)}]"
    return repr(value)
