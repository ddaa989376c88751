"""`soundalike doctor`: the first thing to run, and the first thing to attach to a report."""

import typer

from cli.options import globals_of
from cli.output import emit
from embedder.errors import ArtefactError


def run(context: typer.Context) -> None:
    """Show what is installed and where things are.

    Packages, devices, FFmpeg, folders, extras and a self-test; ends with 4 when something that
    soundalike cannot do without is missing or broken.
    """
    from cli.diagnosis import UNWELL, diagnose

    settings = globals_of(context)
    diagnosis = diagnose(settings)
    emit(settings, diagnosis, rows=diagnosis.checks, columns=("area", "name", "state", "detail"))
    if not diagnosis.healthy:
        unwell = ", ".join(check.name for check in diagnosis.checks if check.state in UNWELL)
        raise ArtefactError(f"something is missing or broken: {unwell}. Try pip install soundalike")
