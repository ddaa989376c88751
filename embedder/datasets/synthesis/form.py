"""The form of a song: intro, verse, chorus and other sections, as bars with chords."""

from collections.abc import Sequence

import numpy as np

from embedder.datasets.synthesis.score import Bar

# Section, its energy, and its share of the song.
_SHORT = (("intro", 0.35, 1), ("verse", 0.65, 3), ("chorus", 1.0, 3), ("outro", 0.5, 1))
_LONG = (
    ("intro", 0.35, 1),
    ("verse", 0.65, 2),
    ("chorus", 1.0, 2),
    ("verse", 0.7, 2),
    ("chorus", 1.0, 2),
    ("bridge", 0.45, 1),
    ("chorus", 1.0, 2),
    ("outro", 0.4, 1),
)
_LONG_FROM_BARS = 28


def lay_out(
    n_bars: int,
    *,
    beats_per_bar: int,
    progressions: Sequence[tuple[int, ...]],
    generator: np.random.Generator,
) -> tuple[Bar, ...]:
    """Fill `n_bars` with sections; verse, chorus and bridge each have their own progression."""
    plan = _LONG if n_bars >= _LONG_FROM_BARS else _SHORT
    order = generator.permutation(len(progressions))
    section_chords = {
        name: progressions[int(order[place % len(order)])]
        for place, name in enumerate(("verse", "chorus", "bridge"))
    }
    section_chords |= {"intro": section_chords["verse"], "outro": section_chords["chorus"]}
    total = sum(share for _, _, share in plan)
    # Sections consist of pairs of bars if the song is long enough.
    pair = 2 if n_bars >= 2 * len(plan) else 1
    bars: list[Bar] = []
    share_so_far = 0
    for name, energy, share in plan:
        share_so_far += share
        end = (
            n_bars
            if share_so_far == total
            else min(n_bars, pair * round(share_so_far / total * n_bars / pair))
        )
        first = len(bars)
        degrees = section_chords[name]
        bars.extend(
            Bar(
                number=number,
                first_beat=float(number * beats_per_bar),
                section=name,
                place=number - first,
                degree=degrees[(number - first) % len(degrees)],
                energy=energy,
                is_last=number == end - 1,
            )
            for number in range(first, end)
        )
    return tuple(bars)
