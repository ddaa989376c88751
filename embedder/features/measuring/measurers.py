"""Measurers: each computes a record from the sound of a track, which the library stores.

A measurer has a name and a version. A library stores both with each record, so a later `index`
measures again the tracks whose records are missing or of another version.

To add a measurer, write a module with a function from `TrackSound` to `Values` and list it in
`MEASURERS`. It must accept any sound: very short, silent, clipped.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from embedder.errors import UnknownChoice
from embedder.features.measuring import descriptors, fingerprint
from embedder.features.measuring.records import Measured, TrackSound, Values


@dataclass(frozen=True, slots=True)
class Measurer:
    """A computation on the sound of a track. Raise `version` if it gives other values."""

    name: str
    version: int
    measure: Callable[[TrackSound], Values]


MEASURERS: tuple[Measurer, ...] = (
    Measurer(descriptors.NAME, descriptors.VERSION, descriptors.measure_descriptors),
    Measurer(fingerprint.NAME, fingerprint.VERSION, fingerprint.fingerprint),
)
"""All measurers, in the order in which they run."""


def measurer_names() -> tuple[str, ...]:
    """The names of all measurers."""
    return tuple(measurer.name for measurer in MEASURERS)


def current_versions() -> dict[str, int]:
    """The version of each measurer, by its name."""
    return {measurer.name: measurer.version for measurer in MEASURERS}


def measure(sound: TrackSound, names: Iterable[str]) -> tuple[Measured, ...]:
    """What the named measurers give for a sound."""
    by_name = {measurer.name: measurer for measurer in MEASURERS}
    results = []
    for name in names:
        if name not in by_name:
            raise UnknownChoice("measurer", name, tuple(by_name))
        measurer = by_name[name]
        results.append(Measured(name, measurer.version, measurer.measure(sound)))
    return tuple(results)
