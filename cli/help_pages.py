"""What a help page looks like: one style for all commands, with a worked example at its end.

    Usage: soundalike query [OPTIONS] TRACK...

      What the command does.

    Arguments: ...
    Options: ...

Example:
      $ soundalike query song.mp3
      What this prints or does.

A command's docstring is its help text. Its last paragraph opens with `$ ` and is the example.
"""

import inspect
import re
from typing import TYPE_CHECKING, Any

from typer.core import TyperCommand, TyperGroup

GLOBAL_OPTIONS = (
    "Global options such as --library, --json and --quiet work here too: see soundalike --help."
)
EXAMPLE_MARK = "$ "


def parts_of_help(text: str) -> tuple[str, str]:
    """A help text's description and its example; either may be empty."""
    paragraphs = inspect.cleandoc(text).split("\n\n")
    if paragraphs[-1].startswith(EXAMPLE_MARK):
        return "\n\n".join(paragraphs[:-1]), paragraphs[-1]
    return "\n\n".join(paragraphs), ""


if TYPE_CHECKING:
    _Base = TyperCommand
else:
    _Base = object  # a mixin of TyperCommand and of TyperGroup


class _PlainHelp(_Base):
    """Lays out the page of a command or of a group of commands."""

    def collect_usage_pieces(self, ctx: Any) -> list[str]:
        """The words after the command's name: TRACK..., or [TRACK...] if it may be left out."""
        pieces = ["[OPTIONS]"]
        for argument in self._params("argument", ctx):
            name = argument.display_name_raw
            pieces.append(name if argument.required else f"[{name}]")
        return [*pieces, "COMMAND"] if isinstance(self, TyperGroup) else pieces

    def format_help_text(self, ctx: Any, formatter: Any) -> None:
        """What the command does."""
        del ctx
        description, _ = parts_of_help(self.help or "")
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(description)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Arguments, then options, then the commands of a group."""
        arguments = [
            (argument.display_name_raw, argument.get_help_record(ctx)[1])
            for argument in self._params("argument", ctx)
        ]
        options = [option.get_help_record(ctx) for option in self._params("option", ctx)]
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl([(names, plain_limits(text)) for names, text in rows])
        if isinstance(self, TyperGroup):
            self.format_commands(ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """The note on global options, then the example."""
        super().format_epilog(ctx, formatter)
        _, example = parts_of_help(self.help or "")
        if example:
            command_line, _, outcome = example.partition("\n")
            with formatter.section("Example"):
                formatter.write(f"  {command_line}\n")
                formatter.write_text(" ".join(outcome.split()))

    def _params(self, kind: str, ctx: Any) -> list[Any]:
        params: list[Any] = self.get_params(ctx)
        return [param for param in params if param.param_type_name == kind and not param.hidden]

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """As Typer does it; an error learns which command it is about."""
        try:
            rest: list[str] = super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "ctx", self) is None:
                error.ctx = ctx  # type: ignore[attr-defined]  # one of the parser's errors
            raise
        return rest


class PlainCommand(_PlainHelp, TyperCommand):
    """A command with a help page of the common style."""


class PlainGroup(_PlainHelp, TyperGroup):
    """A group of commands with a help page of the common style."""


def plain_limits(text: str) -> str:
    """Typer's `[default: (20); x>=1]` as `[default: 20; at least 1]`."""
    text = re.sub(r"\bdefault: \(([^()]*)\)", r"default: \1", text)
    text = re.sub(r"(-?[\d.]+)<=x<=(-?[\d.]+)", r"\1 to \2", text)
    return re.sub(r"\bx>=(-?[\d.]+)", r"at least \1", text)
