"""`soundalike listen`: what the microphone, a file or a pipe sounds like, moment by moment."""

from pathlib import Path
from typing import Annotated

import typer

from cli.options import ForceOption, globals_of
from embedder.errors import UsageError


def run(
    context: typer.Context,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="F",
            help="Listen to an audio file instead of the microphone.",
            show_default=False,
        ),
    ] = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="S",
            help="With --file: 1 plays in real time, 0 as fast as it goes (the default).",
            show_default=False,
        ),
    ] = None,
    model: Annotated[
        str,
        typer.Option(
            metavar="M",
            help="A model with labels of its own: its name, its folder or its run's folder. By "
            "default the tracks of your library vote.",
        ),
    ] = "",
    field: Annotated[
        str,
        typer.Option(
            metavar="FIELD", help="The label field: of your library (default: genre), or of M."
        ),
    ] = "",
    window: Annotated[
        float, typer.Option(metavar="S", help="The length of each window in seconds.")
    ] = 2.0,
    hop: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Seconds between answers. By default 0.25; half a window at --speed 0.",
            show_default=False,
        ),
    ] = None,
    smoothing: Annotated[
        float,
        typer.Option(metavar="S", help="Average the probabilities over this many seconds."),
    ] = 1.0,
    threshold: Annotated[
        float,
        typer.Option(min=0, max=1, metavar="P", help="A label less probable than P is 'unknown'."),
    ] = 0.0,
    neighbours: Annotated[
        int | None,
        typer.Option(
            min=0,
            metavar="K",
            help="How many of your library's nearest tracks to name. By default 5 if the library "
            "has the same model, otherwise none.",
            show_default=False,
        ),
    ] = None,
    silence: Annotated[
        float,
        typer.Option(metavar="DB", help="Sound below this level counts as silence."),
    ] = -60.0,
    write: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="Write each label with its start and end: .csv, or .txt for Audacity.",
            show_default=False,
        ),
    ] = None,
    force: ForceOption = False,
) -> None:
    """Say what is heard, moment by moment: by a model's labels or by your library's.

    Windows of sound are encoded one after another, and the probabilities of their labels are
    averaged over a second.

    $ soundalike listen --file concert.flac --model runs/speech --write labels.csv
    Writes where in concert.flac there is speech and where there is music.
    """
    from cli.listening import listen_and_show
    from soundalike.live.settings import ListenSettings
    from soundalike.live.sources.file import FileSource

    settings = globals_of(context)
    listen_settings = ListenSettings(
        window, hop, smoothing, threshold, 5 if neighbours is None else neighbours, silence
    )
    if file is None:
        raise UsageError("no sound to listen to: give --file")
    source = FileSource(file, speed=0.0 if speed is None else speed)
    listen_and_show(
        settings,
        source,
        listen_settings,
        model=model,
        field=field,
        write=write,
        force=force,
        with_other_model=neighbours is not None,
    )
