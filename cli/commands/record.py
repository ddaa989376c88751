"""`soundalike record`: collect labelled sounds of one's own."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cli.options import DeviceOption, RateOption, globals_of
from embedder.errors import UsageError

if TYPE_CHECKING:
    from soundalike.live.recording.recording import RecordSettings


def run(
    context: typer.Context,
    label: Annotated[
        str, typer.Argument(metavar="LABEL", help="What the sound is.", show_default=False)
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            metavar="DIR",
            help="The folder of takes; each label gets a folder inside.",
            show_default=False,
        ),
    ],
    seconds: Annotated[
        float | None,
        typer.Option(
            metavar="S",
            help="Record takes of S seconds. By default a take lasts from the first sound to a "
            "pause.",
            show_default=False,
        ),
    ] = None,
    take: Annotated[
        int | None,
        typer.Option(
            min=1,
            metavar="N",
            help="Record N takes, one after another. By default one; with --from all.",
            show_default=False,
        ),
    ] = None,
    from_: Annotated[
        Path | None,
        typer.Option(
            "--from",
            metavar="FILE",
            help="Cut the takes out of a recording, at its pauses.",
            show_default=False,
        ),
    ] = None,
    device: DeviceOption = "",
    rate: RateOption = None,
    countdown: Annotated[
        float,
        typer.Option(
            min=0, metavar="S", help="Seconds before the first take; it measures the room."
        ),
    ] = 3.0,
    pause: Annotated[
        float, typer.Option(metavar="S", help="Quiet of this length ends a take, in seconds.")
    ] = 0.5,
    silence: Annotated[
        float | None,
        typer.Option(
            min=-100,
            max=0,
            metavar="DB",
            help="Sound below this level is quiet. By default 10 dB above the room.",
            show_default=False,
        ),
    ] = None,
    play: Annotated[bool, typer.Option("--play", help="Play each take back.")] = False,
) -> None:
    """Record takes of a sound into a folder that `train` reads.

    Quiet at both ends of a take is cut off, and takes that are clipped or too low are named.

    $ soundalike record door -o my-sounds --take 20
    Records 20 takes of a door, each from the first sound to a pause, into my-sounds/door.
    """
    from cli.recording import record_from_device, record_from_file
    from soundalike.live.recording.recording import RecordSettings

    settings = globals_of(context)
    record_settings = RecordSettings(take, seconds, pause, countdown, silence, play)
    if from_ is None:
        record_from_device(settings, label, output, record_settings, device=device, rate=rate or 0)
    else:
        _check_from(record_settings, device, rate)
        record_from_file(settings, label, output, record_settings, path=from_)


def _check_from(settings: "RecordSettings", device: str, rate: int | None) -> None:
    if device or rate:
        raise UsageError("--device and --rate are for the microphone: leave them out with --from")
    if settings.plays_back:
        raise UsageError("--play is for the microphone: leave it out with --from")
