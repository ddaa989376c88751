"""How the data sets of `--labels-from` are read: as `train` reads them, with the same settings.

what the library has kept of an earlier run, or the card of a model that learnt from this data
─▶ the [dataset] table of --config ─▶ --set dataset.…   ─▶ kept for later runs
"""

import json
import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from embedder.config.dataset import DatasetConfig
from embedder.config.loading import configure, from_dict, parse_assignment, to_dict
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, UsageError
from embedder.models.card import Card
from index.catalogue.catalogue import Catalogue

READ_BY_INDEX = (
    *("layout", "tag_field", "tag_separator", "n_tags", "merge_labels"),
    *("split_column", "variant", "audio_root"),
)
"""The settings of `[dataset]` that say how a data set is read; the others are for training."""
KEPT_UNDER = "label_settings"
ADVICE = "'soundalike index --labels-from none' forgets it."


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """What `--config` and `--set` say about the data sets of `--labels-from`."""

    config: Path | None = None
    assignments: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for assignment in self.assignments:
            given = parse_assignment(assignment)
            names = given.get("dataset")
            if set(given) != {"dataset"} or not isinstance(names, dict):
                names = dict.fromkeys(given)
            if unknown := sorted(set(names) - set(READ_BY_INDEX)):
                raise UsageError(
                    f"--set {assignment}: index reads no {unknown[0]!r}. For --labels-from set one "
                    f"of {', '.join(f'dataset.{name}' for name in READ_BY_INDEX)}."
                )

    def over(self, base: DatasetConfig) -> DatasetConfig:
        """The settings of a data set: these over `base`."""
        whole = replace(TrainingConfig(), dataset=base)
        config = configure(whole, toml=self.config, assignments=self.assignments).dataset
        if not config.audio_root:
            return config
        return replace(config, audio_root=os.path.abspath(config.audio_root))


def settings_for(
    path: Path, settings: LabelSettings, *, kept: Mapping[str, DatasetConfig], card: Card | None
) -> DatasetConfig:
    """How a data set is read; see the drawing at the top."""
    base = kept.get(str(path)) or _of_training(card, path) or DatasetConfig()
    return settings.over(base)


def kept_settings(catalogue: Catalogue) -> dict[str, DatasetConfig]:
    """The settings of the library's data sets, by path."""
    return catalogue.parsed_setting(KEPT_UNDER, _parsed, advice=ADVICE) or {}


def keep_settings(catalogue: Catalogue, settings: Mapping[str, DatasetConfig]) -> None:
    """Keep the settings of the library's data sets; those that are not named are forgotten."""
    plain = {path: _changed(config) for path, config in settings.items()}
    catalogue.set_setting(KEPT_UNDER, json.dumps({p: c for p, c in plain.items() if c}))


def _changed(config: DatasetConfig) -> dict[str, Any]:
    """The settings that are not as by default, of those that index reads."""
    default, values = to_dict(DatasetConfig()), to_dict(config)
    return {name: values[name] for name in READ_BY_INDEX if values[name] != default[name]}


def _parsed(text: str) -> dict[str, DatasetConfig]:
    return {path: from_dict(DatasetConfig, values) for path, values in json.loads(text).items()}


def _of_training(card: Card | None, path: Path) -> DatasetConfig | None:
    """How a model's training read the data set, if it learnt from one of this name."""
    facts: dict[str, Any] = {} if card is None else card.facts
    text = facts.get("settings")
    if not text or facts.get("data", {}).get("name") != path.name:
        return None
    try:
        return from_dict(DatasetConfig, tomllib.loads(text)["dataset"])
    except (ConfigError, tomllib.TOMLDecodeError, KeyError):  # of another version
        return None
