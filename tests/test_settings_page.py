"""docs/settings.md: every setting has a meaning, its choices and its default."""

import dataclasses
import tomllib
import typing
from pathlib import Path

import pytest

from embedder.config.loading import choices_of, from_dict, to_toml
from embedder.config.training import TrainingConfig

PAGE = (Path(__file__).parents[1] / "docs" / "settings.md").read_text(encoding="utf-8")


def tables(kind: type, name: str = "") -> dict[str, type]:
    """All tables of settings, by name."""
    inner = {}
    for key, hint in typing.get_type_hints(kind).items():
        for part in (hint, *typing.get_args(hint)):
            if isinstance(part, type) and dataclasses.is_dataclass(part):
                inner |= tables(part, f"{name}.{key}" if name else key)
    return {name: kind, **inner}


@pytest.mark.parametrize("name", [name for name in tables(TrainingConfig) if name])
def test_every_setting_of_a_table_is_explained(name: str) -> None:
    """Its row has values, a default and a sentence."""
    section = PAGE.split(f"## {name}\n")[1].split("\n## ")[0]
    if "The settings are those of" in section:
        return
    kind = tables(TrainingConfig)[name]
    for field in dataclasses.fields(kind):
        if f"## {name}.{field.name}" not in PAGE:
            row = next(
                line for line in section.splitlines() if line.startswith(f"| `{field.name}`")
            )
            values, default, meaning = (cell.strip() for cell in row.split(" | ")[1:4])
            assert values
            assert default.startswith("`")
            assert len(meaning.split()) >= 2, row


def test_shown_settings_list_their_choices() -> None:
    """Each setting with choices has them in a comment of its own line."""
    lines = to_toml(TrainingConfig(), with_choices=True).splitlines()
    assert 'geometry = "cosine"  # cosine, euclidean, poincare' in lines
    assert sum("#" in line for line in lines) >= 20


def test_shown_settings_can_be_read_again() -> None:
    """A file of the settings as shown, comments included, gives the same settings."""
    text = to_toml(TrainingConfig(), with_choices=True)
    assert from_dict(TrainingConfig, tomllib.loads(text)) == TrainingConfig()


def test_choices_are_found_in_lists_of_tables() -> None:
    """Objectives are a list; their choices are named as in TOML."""
    assert "semi-hard" in choices_of(TrainingConfig)["objectives.mining"]
