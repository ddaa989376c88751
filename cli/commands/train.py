"""`soundalike train`: from a folder or table of music to a model."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cli.options import ForceOption, Form, Globals, globals_of
from cli.output import emit, emit_text
from cli.talk import say
from cli.training_talk import Follower
from embedder.errors import PartialFailure, UsageError

if TYPE_CHECKING:
    from embedder.training.folder.run_folder import TrainingResult
    from embedder.training.settings import Wanted


def run(
    context: typer.Context,
    dataset: Annotated[
        Path,
        typer.Argument(
            metavar="DATASET",
            help="A folder of music (by label, or with a table), a table, or arrays.",
            show_default=False,
        ),
    ],
    preset: Annotated[
        str, typer.Option(metavar="NAME", help="Settings to start from: tiny, base or large.")
    ] = "",
    config: Annotated[
        Path | None, typer.Option(metavar="TOML", help="Settings in a file, over the preset.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="KEY=VALUE", help="One setting, such as loop.epochs=5."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="DIR", help="The run's folder.", show_default=False),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with a run.")] = False,
    checkpoint: Annotated[
        str, typer.Option("--from", metavar="MODEL", help="Start from this model's weights.")
    ] = "",
    freeze: Annotated[
        bool, typer.Option("--freeze", help="Keep its backbone; train the projection alone.")
    ] = False,
    fit: Annotated[
        bool,
        typer.Option(
            "--fit", help="Keep its backbone; fit the projection to the labels, in seconds."
        ),
    ] = False,
    label: Annotated[
        str, typer.Option(metavar="FIELD", help="What to learn: genre, mood, a column.")
    ] = "",
    limit_per_label: Annotated[
        int, typer.Option(metavar="N", min=0, help="Take so many tracks of each label.")
    ] = 0,
    grid: Annotated[
        Path | None,
        typer.Option(metavar="TOML", help="Train every variant in the file, and compare them."),
    ] = None,
    show_config: Annotated[
        bool, typer.Option("--show-config", help="Print all settings as TOML and stop.")
    ] = False,
    force: ForceOption = False,
) -> None:
    """Train a model on your own music.

    The run's folder gets the best and the last model, a log, and report.html. A run that was
    interrupted, or killed, goes on with --resume.
    """
    from embedder.training.settings import Wanted, settle

    everything = globals_of(context)
    wanted = Wanted(
        preset, config, tuple(settings or ()), checkpoint, freeze, label, limit_per_label, fit
    )
    folder = output or Path(f"{dataset.absolute().name}-{'grid' if grid else 'run'}")
    if grid is not None:
        if resume or force or show_config:
            raise UsageError("--grid goes on by itself: leave out --resume, --force, --show-config")
        _run_grid(everything, dataset, grid, wanted, folder)
        return
    if resume and force:
        raise UsageError("--resume goes on with a run and --force replaces it: give one of them")
    settled = settle(wanted, resume_from=folder if resume else None)
    if show_config:
        _show_config(everything, settled)
        return
    from embedder.training.train import train

    with Follower(everything) as follower:
        result = train(
            dataset,
            settled,
            folder,
            resume=resume,
            force=force,
            make_observers=follower.observe,
            on_progress=follower.prepared,
        )
    _show(everything, dataset, result)


def _show_config(settings: Globals, config: object) -> None:
    from embedder.config.loading import to_dict, to_toml

    emit_text(settings, to_toml(config).rstrip())
    if settings.form is not Form.TABLE:
        emit(settings, to_dict(config))


def _course(result: "TrainingResult") -> dict[str, Any]:
    return {
        "epochs": result.epochs,
        "steps": result.steps,
        "seconds": round(result.seconds, 1),
        "best_epoch": result.best_epoch,
    }


def _show(settings: Globals, dataset: Path, result: "TrainingResult") -> None:
    """The result, what could not be read, and how to go on."""
    again = shlex.join(["soundalike", "train", str(dataset), "-o", str(result.folder), "--resume"])
    for track in result.left_out:
        say(settings, f"left out: {track['path']}: {track['reason']}")
    if result.ended == "interrupted":
        say(settings, f"finished step {result.steps}; go on with: {again}")
        raise KeyboardInterrupt
    model = result.folder / "best"
    summary: dict[str, Any] = {
        "ended": result.ended,
        **(_course(result) if result.steps else {}),
        **{name: round(score, 4) for name, score in result.scores.items() if name != "score"},
        **{
            f"{name}_before": round(score, 4)
            for name, score in result.before.items()
            if name != "score"
        },
        "model": model,
        "report": result.folder / "report.html",
    }
    if settings.form is Form.TABLE:
        emit(settings, summary, title=f"Trained {result.folder}")
        use = shlex.join(["soundalike", "index", _music_of(dataset), "--model", str(model)])
        more = f"  {again}\n" if result.ended == "out of time" else ""
        emit_text(settings, f"\nGo on with:\n{more}  {use}")
    else:
        paths = {"path": model, "model": model, "report": summary["report"]}
        emit(settings, {**result.to_json(), **paths})
    if result.left_out:
        raise PartialFailure(
            f"trained, but {len(result.left_out)} of the tracks could not be read or used"
        )


def _music_of(dataset: Path) -> str:
    """What to index with the model: the folder itself, that of a table, or one's own music."""
    if not dataset.is_dir():
        return str(dataset.parent)
    holds_arrays = any(dataset.glob("*.npz")) or any(dataset.glob("*.npy"))
    return "MUSIC" if holds_arrays else str(dataset)


def _run_grid(settings: Globals, dataset: Path, grid: Path, wanted: "Wanted", folder: Path) -> None:
    """Every cell that is not done yet, then the table."""
    from embedder.training.grid.grid import Cell, read_grid, run_grid
    from embedder.training.grid.grid_table import best_first
    from embedder.training.settings import settle

    cells = read_grid(grid, settle(wanted), folder, data=dataset)
    with Follower(settings) as follower:

        def announce(cell: Cell, number: int) -> Any:
            say(settings, f"{number + 1}/{len(cells)}: {cell.variant}, seed {cell.seed}")
            return follower.observe

        result = run_grid(dataset, cells, folder, on_cell=announce, on_progress=follower.prepared)
    if result.n_left:
        n_done = result.n_cells - result.n_left
        say(settings, f"{n_done} of {result.n_cells} runs are done; the same call again goes on")
        raise KeyboardInterrupt
    rows = [
        {
            "variant": row.variant,
            "seeds": row.n_seeds,
            **{name: score.shown() for name, score in row.scores.items()},
        }
        for row in best_first(result.rows)
    ]
    emit(settings, result.to_json(), rows=rows, title=f"Ablation, tables in {folder}")
    n_failed = sum(row.n_failed for row in result.rows)
    if n_failed:
        raise PartialFailure(f"{n_failed} of {result.n_cells} runs diverged")
