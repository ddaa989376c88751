"""Ctrl-C in a run: the first one asks it to finish the step, the second one stops it."""

import signal
from types import FrameType, TracebackType


class Interruption:
    """While entered, SIGINT and SIGTERM set `is_wanted`; a second one is an ordinary interrupt.

    Only the main thread of a process may do this; elsewhere it changes nothing.
    """

    def __init__(self) -> None:
        self.is_wanted = False
        self._before: dict[int, object] = {}

    def __enter__(self) -> "Interruption":
        for number in (signal.SIGINT, signal.SIGTERM):
            try:
                self._before[number] = signal.signal(number, self._ask)
            except ValueError:  # not the main thread
                break
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]  # what signal.signal returned

    def _ask(self, _number: int, _frame: FrameType | None) -> None:
        if self.is_wanted:
            raise KeyboardInterrupt
        self.is_wanted = True
