"""`soundalike listen`: what the microphone, a file or a pipe sounds like, moment by moment."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DeviceOption, ForceOption, Globals, RateOption, globals_of
from cli.output import emit
from embedder.errors import UsageError

if TYPE_CHECKING:
    from soundalike.live.sources.source import Source

DEVICE_COLUMNS = ("number", "name", "system", "n_channels", "sample_rate", "is_default")


def run(
    context: typer.Context,
    device: DeviceOption = "",
    list_devices: Annotated[
        bool, typer.Option("--list-devices", help="List the devices with an input.")
    ] = False,
    file: Annotated[
        Path | None,
        typer.Option(
            metavar="F", help="Listen to an audio file, not to the microphone.", show_default=False
        ),
    ] = None,
    stdin: Annotated[
        bool, typer.Option("--stdin", help="Listen to a pipe: WAV, or what --raw says.")
    ] = False,
    raw: Annotated[
        str,
        typer.Option(
            metavar="FORMAT",
            help="With --stdin: the format of raw samples, such as s16le:44100:2.",
        ),
    ] = "",
    rate: RateOption = None,
    speed: Annotated[
        float | None,
        typer.Option(
            min=0,
            metavar="S",
            help="1 takes a file or pipe in real time, 0 as fast as it goes. By default 0 for a "
            "file, if there is no page, --osc or --on; otherwise 1.",
            show_default=False,
        ),
    ] = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0, metavar="S", help="Stop after S seconds of sound.", show_default=False),
    ] = None,
    patience: Annotated[
        float,
        typer.Option(min=1, metavar="S", help="Give up on a pipe that is silent for S seconds."),
    ] = 30.0,
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
            help="Seconds between answers. By default 0.25; one window at --speed 0.",
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
    osc: Annotated[
        str | None,
        typer.Option(
            metavar="HOST:PORT",
            help="Send each answer as Open Sound Control, such as to 127.0.0.1:12000.",
            show_default=False,
        ),
    ] = None,
    osc_format: Annotated[
        str,
        typer.Option(metavar="FORMAT", help="soundalike, or far-lab for one message of texts."),
    ] = "soundalike",
    on: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LABEL:COMMAND",
            help="Run a program when a label begins; LABEL:end:COMMAND when it ends. May be "
            "repeated.",
            show_default=False,
        ),
    ] = None,
    hold: Annotated[
        float,
        typer.Option(min=0, metavar="S", help="With --on: a label ends after S seconds without."),
    ] = 1.0,
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
    """Name what is heard, by a model's labels or your library's.

    Listens to the microphone, a file or a pipe. Windows of sound are encoded one after another, and
    the probabilities of their labels are averaged over a second.

    $ soundalike listen --file concert.flac --model runs/speech --write labels.csv
    Writes where in concert.flac there is speech and where there is music.
    """
    from cli.listening import Destinations, Naming, has_page, listen_and_show
    from soundalike.live.settings import ListenSettings

    settings = globals_of(context)
    if list_devices:
        _show_devices(settings)
        return
    destinations = Destinations(write, force, osc, osc_format, tuple(on or ()), hold)
    wants_clock = destinations.are_live or has_page(settings)
    listen_settings = ListenSettings(
        window, hop, smoothing, threshold, 5 if neighbours is None else neighbours, silence
    )
    listen_and_show(
        settings,
        _source(device, file, stdin, raw, rate, speed, patience, wants_clock=wants_clock),
        listen_settings,
        naming=Naming(model, field, with_other_model=bool(neighbours)),
        destinations=destinations,
        max_seconds=seconds,
    )


def _source(
    device: str,
    file: Path | None,
    stdin: bool,
    raw: str,
    rate: int | None,
    speed: float | None,
    patience: float,
    *,
    wants_clock: bool,
) -> "Source":
    if sum((bool(device), file is not None, stdin)) > 1:
        raise UsageError("give one of --device, --file and --stdin")
    if raw and not stdin:
        raise UsageError("--raw is for --stdin: give both, or leave it out")
    if rate and (stdin or file is not None):
        raise UsageError("--rate is for the microphone: a file has its own, a pipe in --raw")
    if file is not None:
        from soundalike.live.sources.file import FileSource

        return FileSource(file, speed=speed if speed is not None else float(wants_clock))
    if stdin:
        return _pipe(raw, 1.0 if speed is None else speed, patience)
    if speed is not None:
        raise UsageError("--speed is for --file and --stdin: a microphone has no other speed")
    from soundalike.live.sources.microphone import Microphone

    return Microphone(device, sample_rate=rate or 0)


def _pipe(raw: str, speed: float, patience: float) -> "Source":
    from soundalike.live.sources.pcm import parse_raw_format
    from soundalike.live.sources.pipe import PipeSource

    if sys.stdin is None or sys.stdin.isatty():
        raise UsageError(
            "--stdin reads a pipe: 'ffmpeg -i URL -f wav - | soundalike listen --stdin'"
        )
    raw_format = parse_raw_format(raw) if raw else None
    stream = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    return PipeSource(stream, raw=raw_format, speed=speed, patience_seconds=patience)


def _show_devices(settings: Globals) -> None:
    from soundalike.live.sources.portaudio import list_devices

    emit(settings, rows=list_devices(), columns=DEVICE_COLUMNS)
