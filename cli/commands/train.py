"""`soundalike train`: train a model on a folder or table of music."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.cross_validation import show_cross_validation
from cli.options import ForceOption, Form, Globals, check_subject, globals_of
from cli.output import emit, emit_text
from cli.processes import check_training, is_speaker, said_by_rank_zero
from cli.several_runs import SeveralRuns
from cli.talk import say
from cli.training_data import has_own_labels, music_of, readable
from cli.training_talk import Follower
from embedder.errors import PartialFailure, UsageError
from embedder.whole_files import check_output_folder

if TYPE_CHECKING:
    from embedder.config.training import TrainingConfig
    from embedder.training.folder.run_folder import TrainingResult


def run(
    context: typer.Context,
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET|library",
            help="A folder of music (a subfolder for each label, or a table), a table, arrays, or "
            "the word library for your library.",
            show_default=False,
        ),
    ],
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="The settings to start from: tiny, base or large.")
    ] = "",
    config: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="A file of settings; they override the preset."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--set", metavar="KEY=VALUE", help="One setting, such as loop.epochs=5. Repeatable."
        ),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="The folder of the run; by default DATASET-run.",
            show_default=False,
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Continue a run.")] = False,
    checkpoint: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="Start from the weights of this model.")
    ] = "",
    freeze: Annotated[
        bool,
        typer.Option(
            "--freeze", help="With --from: keep the backbone, and train only the projection."
        ),
    ] = False,
    fit: Annotated[
        bool,
        typer.Option(
            "--fit",
            help="With --from: keep the backbone, and fit the projection to the labels in seconds.",
        ),
    ] = False,
    label: Annotated[
        str,
        typer.Option(metavar="FIELD", help="The label field to learn: genre, mood or any column."),
    ] = "",
    limit_per_label: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Use at most N tracks of each label; 0 uses all."),
    ] = 0,
    grid: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="Train each variant in this file, and compare them."),
    ] = None,
    folds: Annotated[
        int,
        typer.Option(
            metavar="K",
            min=0,
            help="Train K models, each without one fold of the tracks, and measure it on that "
            "fold. Folds keep artists together.",
        ),
    ] = 0,
    curve: Annotated[
        str,
        typer.Option(
            metavar="N,N,…",
            help="Train with so many tracks of each label, such as 5,10,50 or 10,all, and draw a "
            "learning curve.",
        ),
    ] = "",
    seeds: Annotated[
        int | None,
        typer.Option(metavar="N", min=1, help="With --curve: repeat with N seeds; by default 3."),
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print all settings as TOML, and stop.")
    ] = False,
    force: ForceOption = False,
) -> None:
    """Train a model on your own music.

    The run's folder gets the best and the last model, a log and report.html. --resume continues a
    run that was interrupted or killed.

    $ soundalike train music-by-genre --preset base -o my-run
    Trains a model, and prints its held-out scores and how to index with it.
    """
    global_options, several = globals_of(context), SeveralRuns(grid, folds, curve, seeds)
    folder = output or Path(f"{dataset.absolute().name}-{several.name or 'run'}")
    _check(
        global_options,
        dataset,
        folder,
        several=several.name,
        fit=fit,
        resume=resume,
        force=force,
        show_config=show_config,
    )
    from embedder.training.settings import TrainingRequest, training_config  # imports torch

    request = TrainingRequest(
        preset, config, tuple(settings or ()), checkpoint, freeze, label, limit_per_label, fit
    )
    with readable(global_options, dataset, folder, only_settings=show_config) as data:
        shown_data = data if data.exists() else None
        configuration = training_config(
            request, resume_from=folder if resume else None, data=shown_data
        )
        if several.name:
            several.train(global_options, data, configuration, folder)
            return
        if show_config:
            _show_config(global_options, configuration)
            return
        result = _train(global_options, data, folder, configuration, resume=resume, force=force)
    _show(global_options, dataset, result)


@said_by_rank_zero()
def _check(
    settings: Globals,
    dataset: Path,
    folder: Path,
    *,
    several: str,
    fit: bool,
    resume: bool,
    force: bool,
    show_config: bool,
) -> None:
    """Refuse what cannot work before torch is imported, which takes seconds."""
    from embedder.training.folder.run_folder import check_no_run

    check_training(dataset, {f"--{several}": several, "--fit": fit, "--show-config": show_config})
    if several and (resume or force or show_config):
        raise UsageError(
            f"--{several} continues by itself: leave out --resume, --force, --show-config"
        )
    if resume and force:
        raise UsageError("--resume continues a run and --force replaces it: give one of them")
    if show_config:
        return
    check_subject(settings, str(dataset))
    check_output_folder(folder)
    if not several and not resume and not force:
        check_no_run(folder)


def _show_config(settings: Globals, config: object) -> None:
    from embedder.config.loading import to_dict, to_toml

    emit_text(settings, to_toml(config, with_choices=True).rstrip())
    if settings.form is not Form.TABLE:
        emit(settings, to_dict(config))


def _train(
    settings: Globals,
    dataset: Path,
    folder: Path,
    configuration: "TrainingConfig",
    *,
    resume: bool,
    force: bool,
) -> "TrainingResult":
    from embedder.training.train import train

    with Follower(settings) as follower:
        return train(
            dataset,
            configuration,
            folder,
            resume=resume,
            force=force,
            make_observers=follower.observe,
            on_progress=follower.prepared,
        )


def _course_of(result: "TrainingResult") -> dict[str, Any]:
    return {
        "epochs": result.epochs,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "best_epoch": result.best_epoch,
    }


def _show(settings: Globals, dataset: Path, result: "TrainingResult") -> None:
    """The result, the tracks that were left out, and how to go on."""
    if not is_speaker():
        return
    for track in result.left_out:
        say(settings, f"left out: {track['path']}: {track['reason']}")
    if result.ended == "interrupted":
        say(
            settings,
            f"finished step {result.steps}; continue with: {_resuming(dataset, result)}",
        )
        raise KeyboardInterrupt
    for remark in result.remarks:
        say(settings, remark)
    summary = _summary_of(result)
    if settings.form is Form.TABLE:
        emit(settings, summary, title=f"Trained {result.folder}")
        show_cross_validation(settings, result)
        emit_text(settings, _next_steps(dataset, result))
    else:
        paths = {"path": summary["model"], "model": summary["model"], "report": summary["report"]}
        emit(settings, {**result.to_json(), **paths})
    if result.left_out:
        raise PartialFailure(
            f"trained, but {len(result.left_out)} of the tracks could not be read or used"
        )


def _summary_of(result: "TrainingResult") -> dict[str, Any]:
    """How the run ended, its scores, and where model and report are."""
    return {
        "ended": result.ended,
        **(_course_of(result) if result.steps else {}),
        **{name: round(score, 4) for name, score in result.scores.items() if name != "score"},
        **_held_out_tracks(result),
        **{f"test_{name}": round(score, 4) for name, score in result.test.items()},
        **{
            f"{name}_before": round(score, 4)
            for name, score in result.before.items()
            if name != "score"
        },
        **_cross_validated(result),
        "model": result.folder / "best",
        "report": result.folder / "report.html",
    }


def _held_out_tracks(result: "TrainingResult") -> dict[str, int]:
    n_tracks = result.n_tracks.get("validation", 0)
    return {"held_out_tracks": n_tracks} if n_tracks else {}


def _cross_validated(result: "TrainingResult") -> dict[str, float]:
    facts = result.cross_validation
    return {"cross_validated_accuracy": round(facts["accuracy"], 4)} if facts else {}


def _next_steps(dataset: Path, result: "TrainingResult") -> str:
    """The commands that go on from here: continue a run that is out of time, use the model."""
    use = ["soundalike", "index", music_of(dataset), "--model", str(result.folder / "best")]
    if has_own_labels(dataset):
        use += ["--labels-from", str(dataset)]
    more = f"  {_resuming(dataset, result)}\n" if result.ended == "out of time" else ""
    listen = ["soundalike", "listen", "--model", str(result.folder)]
    live = f"\n  {shlex.join(listen)}" if result.cross_validation else ""
    return f"\nNext:\n{more}  {shlex.join(use)}{live}"


def _resuming(dataset: Path, result: "TrainingResult") -> str:
    """The command that continues the run."""
    return shlex.join(["soundalike", "train", str(dataset), "-o", str(result.folder), "--resume"])
