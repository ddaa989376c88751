"""`soundalike classify`: a model's own head answers with labels and probabilities."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.choosing import chooser
from cli.options import (
    ForceOption,
    Form,
    Globals,
    SecondsOption,
    StartOption,
    TracksArgument,
    globals_of,
    read_tracks,
)
from cli.output import emit
from cli.progress import bar
from cli.talk import say
from embedder.errors import PartialFailure, UsageError

if TYPE_CHECKING:
    from index.labels.classify.request import ClassifyRequest
    from index.labels.classify.results import ClassifyReport

WINDOW_COLUMNS = ("start", "label", "probability", "then")
TRACK_COLUMNS = ("label", "probability", "then", "path")
N_THEN = 3


def run(
    context: typer.Context,
    tracks: TracksArgument,
    model: Annotated[
        str,
        typer.Option(
            metavar="M",
            help="A trained model: its name, its folder or its run's folder. By default the "
            "library's, or the only one that has labels.",
        ),
    ] = "",
    field: Annotated[
        str,
        typer.Option(metavar="FIELD", help="For a model with several label fields: which one."),
    ] = "",
    start: StartOption = None,
    seconds: SecondsOption = None,
    each: Annotated[
        float | None,
        typer.Option(min=0.5, metavar="S", help="Also classify every S seconds of each track."),
    ] = None,
    top: Annotated[
        int | None,
        typer.Option(min=1, metavar="N", help="The number of labels for each track; all in JSON."),
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o",
            "--output",
            metavar="FILE",
            help="With --each: the curve over time as .png, .svg or .csv.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Label tracks by a model's own head, without a library.

    The labels are those that the model was trained on. Each gets a probability, which is calibrated
    on held-out tracks. Whole tracks of a library of this model are not analysed again. `label` asks
    the neighbours in your library instead.

    $ soundalike classify song.mp3 --model runs/mine --each 2 -o curve.png
    Prints the most probable labels, also of every two seconds, and draws them over time.
    """
    from index.labels.classify.curve import check_curve_path, write_curve
    from index.labels.classify.request import ClassifyRequest

    settings = globals_of(context)
    paths = read_tracks(settings, tracks)
    if output is not None and each is None:
        raise UsageError("-o draws labels over time: give --each, such as --each 2")
    if output is not None:
        check_curve_path(output, n_tracks=len(paths), force=force)
    request = ClassifyRequest(tuple(paths), model, field, start, seconds, each)
    report = classified(settings, request)
    if output is not None and report.tracks:
        write_curve(output, report.tracks, report.labels)
        say(settings, f"wrote {output}")
    show(settings, report, top=top)


def classified(settings: Globals, request: "ClassifyRequest") -> "ClassifyReport":
    """The tracks of a request; the library is opened if one of them may be in it."""
    from index.labels.classify.classify import classify_tracks
    from index.library import Library

    opened: list[Library] = []

    def open_library() -> Library:
        if not opened:
            opened.append(Library.open(settings.library_folder()))
            opened[0].choose = chooser(settings)
        return opened[0]

    try:
        with bar(settings, label="Analysing", total=len(request.tracks)) as advance:
            return classify_tracks(request, open_library, on_track=advance)
    finally:
        for library in opened:
            library.close()


def show(settings: Globals, report: "ClassifyReport", *, top: int | None) -> None:
    """The tracks in the form that was asked for; then those that failed."""
    for failure in report.failed:
        say(settings, f"{failure.path}: {failure.reason}")
    if settings.form is not Form.TABLE:
        document = report.to_json(top=top)
        emit(settings, document, rows=document["tracks"])
    elif len(report.tracks) == 1:
        _show_one(settings, report, top=top)
    elif report.tracks:
        rows = [
            {"label": "; ".join(track.labels) or "(none)", "probability": track.probability}
            | {"then": _listed(list(track.probabilities.items())[1 : top or N_THEN + 1])}
            | {"path": track.track.path}
            for track in report.tracks
        ]
        emit(settings, rows=rows, columns=TRACK_COLUMNS)
    if report.tracks and not report.n_calibration:
        say(settings, "These probabilities are not calibrated: the model had no held-out tracks.")
    if report.failed:
        n_tracks = len(report.tracks) + len(report.failed)
        raise PartialFailure(f"{len(report.failed)} of {n_tracks} tracks could not be read")


def _show_one(settings: Globals, report: "ClassifyReport", *, top: int | None) -> None:
    (track,) = report.tracks
    chances = list(track.probabilities.items())[:top]
    rows = [{"label": label, "probability": chance} for label, chance in chances]
    emit(settings, rows=rows, columns=("label", "probability"))
    if not track.windows:
        return
    windows = [
        {
            "start": f"{window.start_seconds:g} s",
            "label": next(iter(window.probabilities), f"({window.reason})"),
            "probability": next(iter(window.probabilities.values()), None),
            "then": _listed(list(window.probabilities.items())[1 : top or N_THEN]),
        }
        for window in track.windows
    ]
    emit(settings, rows=windows, columns=WINDOW_COLUMNS, title="\nover time")


def _listed(chances: list[tuple[str, float]]) -> str:
    return ", ".join(f"{label} {chance:.3f}" for label, chance in chances)
