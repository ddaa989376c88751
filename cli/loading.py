"""The group that finds commands by their file and imports each only when it is needed.

A call of one command imports that command alone. `--help` imports all of them, which is quick as
long as their modules import nothing heavy. It refuses to know what the commands do.
"""

import importlib
import pkgutil
from types import ModuleType
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup
from typer.exceptions import TyperException
from typer.main import get_command, get_group

import cli.commands
from cli.failures import usage_error
from cli.help_pages import GLOBAL_OPTIONS, PlainCommand, PlainGroup

# The order of `soundalike --help`. Commands that are missing here come last, in alphabetical order.
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
    "taste",
    "radio",
    "listen",
    "record",
    "audit",
    "features",
    "models",
    "library",
    "serve",
    "doctor",
)


class LazyGroup(PlainGroup):
    """The root of the command line: a command for every module of `cli.commands`."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Every command's name, in the order of the help page."""
        del ctx
        return command_names()

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """The command of that name, imported now; None if there is none."""
        del ctx
        names = command_names()
        # Typer suggests only commands that are loaded, so an unknown name loads all of them.
        for name in [cmd_name] if cmd_name in names else names:
            if name not in self.commands:
                self.commands[name] = load_command(name)
        command = self.commands.get(cmd_name)
        return command if isinstance(command, TyperCommand | TyperGroup) else None

    def make_context(self, *args: Any, **kwargs: Any) -> Any:
        """As Typer does it, but a usage error is one line."""
        try:
            return super().make_context(*args, **kwargs)
        except TyperException as error:
            raise usage_error(error) from error

    def invoke(self, ctx: Any) -> Any:
        """As Typer does it, but a usage error is one line."""
        try:
            return super().invoke(ctx)
        except TyperException as error:
            raise usage_error(error) from error


def command_names() -> list[str]:
    """The names of all commands: one for each module of `cli.commands`."""
    names = {module.name for module in pkgutil.iter_modules(cli.commands.__path__)}
    ordered = [name for name in ORDER if name in names]
    return ordered + sorted(names.difference(ORDER))


def load_command(name: str) -> TyperCommand | TyperGroup:
    """Import `cli.commands.NAME` and make its `run` function, or its `app`, a command.

    If the module has a class `Command`, the command is one of that class.
    """
    module = importlib.import_module(f"cli.commands.{name}")
    group: typer.Typer | None = getattr(module, "app", None)
    return _single(name, module) if group is None else _group(name, group)


def _single(name: str, module: ModuleType) -> TyperCommand:
    single = typer.Typer(add_completion=False, rich_markup_mode=None)
    kind: type[TyperCommand] = getattr(module, "Command", PlainCommand)
    single.command(name, cls=kind, epilog=GLOBAL_OPTIONS)(module.run)
    command = get_command(single)
    if not isinstance(command, TyperCommand):
        raise TypeError(f"cli.commands.{name}.run does not make one command")
    return command


def _group(name: str, group: typer.Typer) -> TyperGroup:
    group.rich_markup_mode = None
    group.info.cls, group.info.epilog = PlainGroup, GLOBAL_OPTIONS
    for command in group.registered_commands:
        command.cls, command.epilog = PlainCommand, GLOBAL_OPTIONS
    group_command = get_group(group)
    group_command.name = name
    return group_command
