"""The entry point of the command line: global options, and `main()`, which turns every ending into
an exit code. It refuses to hold commands.

How to add a command: write `cli/commands/NAME.py`; nothing else needs to change (`cli/loading.py`
finds it, and its ORDER places it on the help page). The module imports nothing heavy at its top:
only the standard library, typer, `cli.*` and light modules of `embedder`. It holds either

    def run(context: typer.Context, tracks: TracksArgument, ...) -> None:
        '''One sentence: what `soundalike NAME` does.

        $ soundalike NAME song.mp3
        One line: what this example prints or does.
        '''
        from index.library import Library            # heavy imports stand inside the body

        settings = globals_of(context)               # cli.options: library_folder(), form, quiet
        names = read_tracks(settings, tracks)        # cli.options: handles `-` and -0
        result = Library.open(settings.library_folder()).search(...)
        emit(settings, result, rows=result.neighbours, columns=("rank", "title", "score"))

or, with sub-commands, `app = typer.Typer(help=...)` with `@app.command("list")` functions. A
command parses, calls one library method and prints:

    emit(settings, document, rows=, columns=)   cli.output: the table, --json, --ndjson and --paths
    say(settings, "message")                    cli.talk: a line on stderr, silent with --quiet
    track(settings, items, label=, total=)      cli.progress: the same items, with a bar on stderr

Errors are raised, never printed: anything from `embedder.errors` becomes one line and its exit code
(`cli/failures.py`). Warnings from below go through `logging.getLogger(__name__).warning`. Then run
`make docs`, which writes `docs/cli.md` again.
"""

import sys
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cli.failures import INTERRUPTED, report
from cli.loading import LazyGroup
from cli.options import Globals, chosen_form, hoist_global_flags
from cli.output import flush, write_line
from cli.processes import check_command, is_speaker
from cli.talk import set_up_logging, take_down_logging, write_remark
from index.library_folder.usual import LIBRARY_VARIABLE

app = typer.Typer(cls=LazyGroup, name="soundalike", rich_markup_mode=None)


@app.callback(invoke_without_command=True)
def soundalike(
    context: typer.Context,
    library: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help=f"The library's folder [env var: {LIBRARY_VARIABLE}; by default in the user's "
            "data folder]",
            show_default=False,
        ),
    ] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
    ndjson: Annotated[bool, typer.Option("--ndjson", help="Print one JSON record a line.")] = False,
    paths: Annotated[bool, typer.Option("--paths", help="Print only paths, for pipes.")] = False,
    null_separated: Annotated[
        bool, typer.Option("-0", help="End paths in NUL, for --paths and for -.")
    ] = False,
    quiet: Annotated[
        bool, typer.Option("--quiet", help="Print no progress and no remarks.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Log details and show tracebacks.")
    ] = False,
    version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Find songs that sound like a song, from the sound alone.

    Search, label, make playlists and draw maps. The options below may also follow the command.

    $ soundalike query song.mp3
    Prints the ten tracks of your library that sound most like song.mp3.
    """
    if version:
        write_line(f"soundalike {_version()}")
        raise typer.Exit
    form = chosen_form(json=json, ndjson=ndjson, paths=paths)
    check_command(context.invoked_subcommand)
    quiet = quiet or not is_speaker()
    settings = Globals(library, form, null_separated=null_separated, quiet=quiet, debug=debug)
    context.obj = settings
    set_up_logging(settings)
    if context.invoked_subcommand is None:
        write_remark(context.get_help() + "\n")
        raise typer.Exit(2)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command line (default: the process's own) and return its exit code."""
    if arguments is None and not sys.warnoptions:
        warnings.simplefilter("ignore")  # they are for programmers; -W shows them
    words = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in words[: words.index("--")] if "--" in words else "--debug" in words
    try:
        app(args=hoist_global_flags(words), prog_name="soundalike")
        flush()
    except SystemExit as ending:
        return _code_of(ending)
    except BrokenPipeError:
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - this is the boundary
        return report(error, debug=debug)
    finally:
        take_down_logging()
    return 0


def _version() -> str:
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version("soundalike")
    except PackageNotFoundError:
        return "(a checkout that is not installed)"


def _code_of(ending: SystemExit) -> int:
    # Typer turns a closed pipe into code 1 and Ctrl-C into 130; both have the cause as context.
    if isinstance(ending.__context__, BrokenPipeError):
        return 0
    try:
        flush()
    except BrokenPipeError:
        return 0
    code = ending.code if isinstance(ending.code, int) else int(ending.code is not None)
    return report(KeyboardInterrupt(), debug=False) if code == INTERRUPTED else code
