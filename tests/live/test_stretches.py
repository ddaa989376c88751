"""Answers become stretches: a label, where it starts and where it ends."""

from soundalike.live.heard import UNKNOWN, Heard
from soundalike.live.stretches import Stretch, Stretches


def answer(
    seconds: float, label: str | None, *, begins: float | None = None, ends: float | None = None
) -> Heard:
    """An answer of a window of 2 s; the sound is all of it by default."""
    is_silent = label is None
    known = () if label in (None, UNKNOWN) else (label,)
    return Heard(
        seconds=seconds,
        field="kind",
        label=label,
        labels=known,
        probability=None if is_silent else 0.5,
        probabilities={} if is_silent else {"a": 0.5, "b": 0.25},
        neighbours=(),
        level=-20.0,
        silence=is_silent,
        latency_seconds=0.0,
        begins_seconds=None if is_silent else seconds - 2 if begins is None else begins,
        ends_seconds=None if is_silent else seconds if ends is None else ends,
    )


def stretches_of(answers: list[Heard], *, end: float) -> list[tuple[float, float, str]]:
    """All stretches, with windows of 2 s every second and no smoothing."""
    stretches = Stretches(hop_seconds=1.0, lag_seconds=1.0)
    ended: list[Stretch] = []
    for heard in answers:
        ended += stretches.add(heard)
    ended += stretches.finish(end)
    return [(s.start_seconds, s.end_seconds, s.label) for s in ended]


def test_a_change_lies_where_the_windows_are_half_full() -> None:
    """The first stretch starts at 0, the last ends with the sound, the change is in the middle."""
    answers = [answer(2, "a"), answer(3, "a"), answer(4, "b"), answer(5, "b")]
    assert stretches_of(answers, end=5.6) == [(0.0, 2.5, "a"), (2.5, 5.6, "b")]


def test_silence_ends_a_stretch_where_the_sound_ended() -> None:
    """Silence is no row, and neither is the silent part of a window."""
    answers = [
        answer(2, "a"),
        answer(3, "a", ends=2.1),
        answer(4, "a", ends=2.1),
        answer(5, None),
        answer(6, "b", begins=5.3),
    ]
    assert stretches_of(answers, end=6.0) == [(0.0, 2.1, "a"), (5.3, 6.0, "b")]


def test_the_unknown_is_a_stretch_too() -> None:
    """Below the threshold, the row is named unknown."""
    answers = [answer(2, UNKNOWN), answer(3, UNKNOWN), answer(4, "a")]
    assert stretches_of(answers, end=4.0) == [(0.0, 2.5, UNKNOWN), (2.5, 4.0, "a")]


def test_the_probability_is_the_mean_over_the_stretch() -> None:
    """Each answer counts the same."""
    stretches = Stretches(hop_seconds=1.0, lag_seconds=1.0)
    stretches.add(answer(2, "a"))
    stretches.add(answer(3, "a"))
    assert stretches.finish(3.0) == [Stretch(0.0, 3.0, "a", 0.5)]
