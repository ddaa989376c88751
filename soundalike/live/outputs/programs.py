"""Programs that run when a label begins or ends. No shell ever sees a label or an argument."""

import os
import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import get_args

from embedder.errors import UnknownChoice, UsageError
from soundalike.live.events import SILENCE, LabelEvent, LabelEvents, Moment
from soundalike.live.heard import UNKNOWN, Heard
from soundalike.live.sources.source import Warn, logger
from soundalike.live.stretches import Stretch

CLOSE_SECONDS = 1.0
STDERR = 2


@dataclass(frozen=True, slots=True)
class Rule:
    """What to run, and when. `{label}`, `{probability}` and `{seconds}` stand for values."""

    label: str
    moment: Moment
    arguments: tuple[str, ...]


def parse_rule(text: str, labels: Sequence[str]) -> Rule:
    """LABEL:COMMAND, or LABEL:end:COMMAND; raises UsageError if the program does not exist."""
    names = [*labels, UNKNOWN, SILENCE]
    fitting = [name for name in names if text.startswith(f"{name}:")]
    if not fitting:
        label, colon, _ = text.partition(":")
        if not colon:
            raise UsageError(f"--on {text!r}: give LABEL:COMMAND, or LABEL:end:COMMAND")
        raise UnknownChoice("label", label, names)
    label = max(fitting, key=len)
    command = text[len(label) + 1 :]
    moment: Moment = "begin"
    for name in get_args(Moment):
        if command.startswith(f"{name}:"):
            moment, command = name, command.removeprefix(f"{name}:")
            break
    try:
        arguments = tuple(shlex.split(command))
    except ValueError as error:
        raise UsageError(f"--on {text!r}: {error}") from error
    if not arguments:
        raise UsageError(f"--on {text!r}: there is no command after the label")
    if shutil.which(arguments[0]) is None:
        raise UsageError(f"--on {text!r}: no program is called {arguments[0]!r}")
    return Rule(label, moment, arguments)


class ProgramsOutput:
    """Runs programs by rules. A program that is still running is not started again."""

    def __init__(
        self,
        rules: Sequence[Rule],
        *,
        threshold: float = 0.0,
        hold_seconds: float = 1.0,
        warn: Warn = logger.warning,
    ) -> None:
        self._rules = tuple(rules)
        labels = dict.fromkeys(rule.label for rule in rules)
        self._watched = [
            LabelEvents(label, threshold=threshold, hold_seconds=hold_seconds) for label in labels
        ]
        self._warn = warn
        self._running: dict[Rule, subprocess.Popen[bytes]] = {}
        self._seconds = 0.0

    def hear(self, heard: Heard) -> None:
        """Run what begins or ends at this answer."""
        self._seconds = heard.seconds
        for watched in self._watched:
            event = watched.add(heard)
            if event is not None:
                self._run(event)

    def end_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Nothing: events have a hold time of their own."""

    def close(self) -> None:
        """Every label that is on ends. Programs that still run after a second are left alone."""
        for watched in self._watched:
            event = watched.finish(self._seconds)
            if event is not None:
                self._run(event)
        deadline = time.monotonic() + CLOSE_SECONDS
        for rule, program in self._running.items():
            with suppress(subprocess.TimeoutExpired):
                self._tell(rule, program.wait(max(deadline - time.monotonic(), 0)))

    def _run(self, event: LabelEvent) -> None:
        for rule in self._rules:
            if (rule.label, rule.moment) == (event.label, event.moment):
                self._start(rule, event)

    def _start(self, rule: Rule, event: LabelEvent) -> None:
        running = self._running.get(rule)
        if running is not None:
            code = running.poll()
            if code is None:
                self._warn(f"{rule.arguments[0]} is still running, so it is not started again.")
                return
            self._tell(rule, code)
        values = {
            "label": event.label,
            "probability": f"{event.probability:.4f}",
            "seconds": f"{event.seconds:.3f}",
        }
        environment = {f"SOUNDALIKE_{name.upper()}": value for name, value in values.items()}
        try:
            self._running[rule] = subprocess.Popen(
                [_filled(argument, values) for argument in rule.arguments],
                stdin=subprocess.DEVNULL,
                stdout=STDERR,  # standard output is for answers
                env=os.environ | environment | {"SOUNDALIKE_MOMENT": event.moment},
            )
        except OSError as error:
            self._warn(f"{rule.arguments[0]} did not start: {error.strerror}.")

    def _tell(self, rule: Rule, code: int) -> None:
        if code:
            self._warn(f"{rule.arguments[0]} ended with code {code}.")


def _filled(argument: str, values: dict[str, str]) -> str:
    for name, value in values.items():
        argument = argument.replace(f"{{{name}}}", value)
    return argument
