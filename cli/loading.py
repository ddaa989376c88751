"""The group that finds commands by their file and imports each only when it is wanted.

A call of one command imports that command alone; `--help` imports all of them, which is quick as
long as their modules import nothing heavy. It refuses to know what the commands do.
"""

import importlib
import pkgutil
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command, get_group

import cli.commands
from cli.failures import usage_error

# The order of `soundalike --help`: as a listener meets them. A command that is missing here comes
# last, in alphabetical order.
ORDER = (
    "demo",
    "index",
    "query",
    "label",
    "playlist",
    "map",
    "train",
    "evaluate",
    "tag",
    "listen",
    "record",
    "audit",
    "features",
    "models",
    "library",
    "serve",
    "doctor",
)
EPILOG = "Global options (--library, --json, --quiet, ...) may stand here too: soundalike --help"


class LazyGroup(TyperGroup):
    """The root of the command line: a command for every module of `cli.commands`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, in the order of the help page."""
        del ctx
        return command_names()

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The command of that name, imported now; None where there is none."""
        del ctx
        names = command_names()
        # Typer suggests from what it has seen, so an unknown name brings in all of them.
        for name in [cmd_name] if cmd_name in names else names:
            if name not in self.commands:
                self.commands[name] = load_command(name)
        found = self.commands.get(cmd_name)
        return found if isinstance(found, TyperCommand | TyperGroup) else None

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """As Typer does it, with a one-line usage error."""
        try:
            return super().make_context(*args, **kwargs)
        except TyperException as error:
            raise usage_error(error) from error

    def invoke(self, ctx: Any) -> Any:
        """As Typer does it, with a one-line usage error."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            raise usage_error(error) from error


def command_names() -> list[str]:
    """The names of all commands: one for each module of `cli.commands`."""
    names = {module.name for module in pkgutil.iter_modules(cli.commands.__path__)}
    known = [name for name in ORDER if name in names]
    return known + sorted(names.difference(ORDER))


def load_command(name: str) -> TyperCommand | TyperGroup:
    """Import `cli.commands.NAME` and make its `run` function, or its `app`, a command.

    Where it has a class `Command`, that is how its words are read.
    """
    module = importlib.import_module(f"cli.commands.{name}")
    group: typer.Typer | None = getattr(module, "app", None)
    if group is not None:
        made = get_group(group)
        made.name = name
        made.rich_markup_mode = None
        made.epilog = EPILOG
        return made
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    kind: type[TyperCommand] | None = getattr(module, "Command", None)
    single.command(name, cls=kind, epilog=EPILOG)(module.run)
    command = get_command(single)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"cli.commands.{name}.run does not make one command")
    return command
