"""The folder of a run: its files, and how a run begins, resumes and ends in it.

RUN/config.toml     every setting, defaults too
    log.csv         a line an epoch
    events.out.*    the same and more for TensorBoard
    state.*         the state of the run, for `--resume`
    best/ last/     models, each with its card
    curves.png      the log as a picture
    tags.csv .png   scores of each tag, if a tagging head was trained
    test-tags.csv .png   the same on the test side, if it was measured
    report.html     the report
    run.json        written last: how the run ended

This module imports no torch, so that a command can refuse a folder at once.
"""

import contextlib
import hashlib
import json
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

from embedder.config.loading import from_dict, read_toml, to_toml
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError, OutputExists, printable_path
from embedder.whole_files import check_output_folder, remove_leftovers, write_whole

CONFIG_NAME, RESULT_NAME, STATE_NAME = "config.toml", "run.json", "state.json"
CURVES_NAME = "curves.png"
TAG_FILES = ("tags.csv", "tags.png")
TEST_TAG_FILES = ("test-tags.csv", "test-tags.png")
MODEL_NAMES = ("best", "last")


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
    """If the run began with a fitted projection: the same scores of the model without it."""
    test: dict[str, float] = field(default_factory=dict)
    """With `stopping.measure_test`: the same scores on the test side."""
    cross_validation: dict[str, Any] = field(default_factory=dict)
    """With a frozen backbone: `CrossValidated.to_json`, each labelled track held out once."""
    remarks: tuple[str, ...] = ()
    """What is wrong with the takes that it learnt from."""
    n_tracks: dict[str, int] = field(default_factory=dict)
    """The usable tracks of each side."""
    notes: tuple[str, ...] = ()
    left_out: tuple[dict[str, str], ...] = ()
    """Tracks that could not be read, with the reason."""
    history: tuple[dict[str, Any], ...] = field(default=(), repr=False)

    def to_json(self) -> dict[str, Any]:
        """What `--json` prints."""
        return {**asdict(self), "folder": str(self.folder)}


def prepare_folder(folder: Path, config: TrainingConfig, *, resume: bool, force: bool) -> None:
    """Make the run's folder, or check that the run in it can be resumed.

    Files that a killed run did not finish are removed.
    """
    check_output_folder(folder)
    remove_leftovers(folder, folder_names=MODEL_NAMES)
    if resume:
        if config_digest(saved_config(folder)) != config_digest(config):
            raise ConfigError(
                f"{folder / CONFIG_NAME} has other settings than this call: leave yours out to "
                "resume with those of the run, or start again with --force"
            )
        return
    if not force:
        check_no_run(folder)
    for name in (
        STATE_NAME,
        RESULT_NAME,
        CURVES_NAME,
        *TAG_FILES,
        *TEST_TAG_FILES,
    ):  # an older run's
        (folder / name).unlink(missing_ok=True)
    for events in folder.glob("events.out.tfevents.*"):
        events.unlink()
    folder.mkdir(parents=True, exist_ok=True)
    write_whole(folder / CONFIG_NAME, to_toml(config).encode())


def check_no_run(folder: Path) -> None:
    """Raise OutputExists if the folder holds a run."""
    if any((folder / name).exists() for name in (STATE_NAME, RESULT_NAME)):
        raise OutputExists(folder)


def remove_unused(folder: Path) -> None:
    """Remove a folder that `prepare_folder` made and in which no run began."""
    (folder / CONFIG_NAME).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # something else was written there in the meantime
        folder.rmdir()


def saved_config(folder: Path) -> TrainingConfig:
    """The settings of a run that can be resumed."""
    if not (folder / CONFIG_NAME).exists():
        raise ConfigError(
            f"{printable_path(folder)}: no run to resume; leave out --resume to start one"
        )
    return from_dict(TrainingConfig, read_toml(folder / CONFIG_NAME), where=CONFIG_NAME)


def write_result(result: TrainingResult) -> None:
    """Write the run's last file. Its existence means that the run is done."""
    content = {**result.to_json(), "folder": ".", "history": list(result.history)}
    write_whole(result.folder / RESULT_NAME, json.dumps(content, indent=2).encode())


def config_digest(config: TrainingConfig) -> str:
    """The digest of all settings but `max_minutes`, which each call may change."""
    config = replace(config, loop=replace(config.loop, max_minutes=0.0))
    return hashlib.blake2b(to_toml(config).encode(), digest_size=16).hexdigest()
