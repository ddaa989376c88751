"""A listener and everything that its answers go to."""

from collections.abc import Generator, Sequence
from contextlib import closing
from typing import Protocol

from soundalike.live.heard import Heard
from soundalike.live.listener import Listener
from soundalike.live.stretches import Stretch, Stretches


class Output(Protocol):
    """Takes answers, and stretches as they end."""

    def hear(self, heard: Heard) -> None:
        """Take the next answer."""
        ...

    def end_stretches(self, stretches: Sequence[Stretch]) -> None:
        """Take the stretches that have just ended; at the end of the sound, the last ones."""
        ...


def session(
    listener: Listener, outputs: Sequence[Output], *, max_seconds: float | None = None
) -> Generator[Heard, None, None]:
    """Each answer, after all outputs have it; none later than `max_seconds` of sound.

    However the run ends, the outputs get the stretches that lasted to its end.
    """
    stretches = Stretches(hop_seconds=listener.hop_seconds, lag_seconds=listener.lag_seconds)

    def give(ended: list[Stretch]) -> None:
        if ended:
            for output in outputs:
                output.end_stretches(ended)

    with closing(listener.heard()) as answers:
        try:
            for heard in answers:
                for output in outputs:
                    output.hear(heard)
                give(stretches.add(heard))
                yield heard
                if max_seconds is not None and heard.seconds >= max_seconds:
                    return
        finally:
            give(stretches.finish(listener.end_seconds))
