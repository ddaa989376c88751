"""The folder of a run: what stands where, how it is begun, gone on with and ended.

RUN/config.toml     every setting, defaults too
    log.csv         a line an epoch
    events.out.*    the same and more for TensorBoard
    state.*         where the run stands (`--resume`)
    best/ last/     models, each with its card
    curves.png      the log as a picture
    tags.csv .png   how well each tag is known, where a tagging head was trained
    report.html     the page to look at
    run.json        written last: how it ended
"""

import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from embedder.config.loading import from_dict, read_toml, to_toml
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, OutputExists, printable_path
from embedder.training.folder.run_state import STATE_NAME
from embedder.whole_files import write_whole

CONFIG_NAME, RESULT_NAME = "config.toml", "run.json"
CURVES_NAME = "curves.png"
TAG_FILES = ("tags.csv", "tags.png")


@dataclass(frozen=True, slots=True)
class TrainingResult:
    """How a run ended."""

    folder: Path
    ended: str
    """finished, stopped early, out of time or interrupted."""
    epochs: int
    steps: int
    seconds: float
    best_epoch: int
    scores: dict[str, float]
    """Held-out scores of the best model against all training tracks."""
    before: dict[str, float] = field(default_factory=dict)
    """Where the run began with a fitted projection, the same scores of the model without it."""
    notes: tuple[str, ...] = ()
    left_out: tuple[dict[str, str], ...] = ()
    """Tracks that could not be read, and why."""
    history: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {**asdict(self), "folder": str(self.folder)}


def prepare_folder(folder: Path, config: TrainingConfig, *, resume: bool, force: bool) -> None:
    """Make the run's folder, or check that it can be gone on with."""
    has_run = any((folder / name).exists() for name in (STATE_NAME, RESULT_NAME))
    if resume:
        if config_digest(saved_config(folder)) != config_digest(config):
            raise ConfigError(
                f"{folder / CONFIG_NAME} is not what was asked for now: go on with its own "
                "settings (leave yours out), or start anew with --force"
            )
        return
    if has_run and not force:
        raise OutputExists(folder)
    for name in (STATE_NAME, RESULT_NAME, CURVES_NAME, *TAG_FILES):  # an older run's
        (folder / name).unlink(missing_ok=True)
    for events in folder.glob("events.out.tfevents.*"):
        events.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / CONFIG_NAME, to_toml(config).encode())


def saved_config(folder: Path) -> TrainingConfig:
    """The settings of a run that can be gone on with."""
    if not (folder / CONFIG_NAME).exists():
        raise ConfigError(
            f"{printable_path(folder)}: no run to go on with; leave out --resume to start one"
        )
    return from_dict(TrainingConfig, read_toml(folder / CONFIG_NAME), where=CONFIG_NAME)


def write_result(result: TrainingResult) -> None:
    """The run's last file: that it is there means done."""
    content = {**result.to_json(), "folder": ".", "history": list(result.history)}
    write_whole(result.folder / RESULT_NAME, json.dumps(content, indent=2).encode())


def config_digest(config: TrainingConfig) -> str:
    """Of all settings but how long one call may take, which the next may choose anew."""
    config = replace(config, loop=replace(config.loop, max_minutes=0.0))
    return hashlib.blake2b(to_toml(config).encode(), digest_size=16).hexdigest()
