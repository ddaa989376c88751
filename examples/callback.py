"""Call functions when a sound begins and ends.

    python examples/callback.py RECORDING MODEL [--microphone]

MODEL is a model with labels of its own, such as runs/mine. With --microphone, RECORDING is left
out of account and the default microphone is used. Write your own functions in place of `begins`
and `ends`.
"""

import sys
from pathlib import Path

from soundalike import FileSource, Heard, ListenSettings, Microphone, listen
from soundalike.live.events import LabelEvent, LabelEvents


def begins(event: LabelEvent, heard: Heard) -> None:
    """A label has begun."""
    print(f"{event.seconds:7.2f} s  {event.label} begins ({event.probability:.2f})")
    del heard  # it has the neighbours, the level and the probabilities of all other labels


def ends(event: LabelEvent, heard: Heard) -> None:
    """A label has ended."""
    print(f"{event.seconds:7.2f} s  {event.label} ends")
    del heard


def main(recording: Path, model: str, *, microphone: bool) -> None:
    """Listen to the end, or to Ctrl-C."""
    source = Microphone() if microphone else FileSource(recording, speed=0)
    watched: dict[str, LabelEvents] = {}
    for heard in listen(source, model=model, settings=ListenSettings(hop_seconds=0.25)):
        for label in heard.probabilities:
            watched.setdefault(label, LabelEvents(label, hold_seconds=0.5))
        for events in watched.values():
            event = events.add(heard)
            if event is not None:
                (begins if event.moment == "begin" else ends)(event, heard)


if __name__ == "__main__":
    words = [word for word in sys.argv[1:] if word != "--microphone"]
    if len(words) != 2:
        sys.exit(__doc__)
    main(Path(words[0]), words[1], microphone="--microphone" in sys.argv)
