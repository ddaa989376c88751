"""`soundalike doctor`: what is installed, and whether it works."""

import typer

from cli.options import globals_of
from cli.output import emit
from cli.progress import waiting
from embedder.errors import ArtefactError


def run(context: typer.Context) -> None:
    """Show what is installed and where things are.

    Checks packages, devices, FFmpeg, folders and extras, and runs a self-test. The exit code is 4
    if a required part is missing or broken.

    $ soundalike doctor --json
    Prints every check with its state, to attach to a bug report.
    """
    from cli.diagnosis import UNWELL, diagnose, install_command

    settings = globals_of(context)
    with waiting(settings, "Checking"):
        diagnosis = diagnose(settings)
    emit(settings, diagnosis, rows=diagnosis.checks, columns=("area", "name", "state", "detail"))
    if not diagnosis.healthy:
        unwell = ", ".join(check.name for check in diagnosis.checks if check.state in UNWELL)
        raise ArtefactError(f"missing or broken: {unwell}. Try {install_command()}")
