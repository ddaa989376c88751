"""Find copies of a recording, by the table's `duplicate_of` or by equal content.

The content of an audio file is its audio without tags: the MD5 of the samples that FLAC files
store, otherwise the audio digest. Two encodings of the same music are not recognised here. An audit
finds them by their vectors.
"""

import hashlib
from collections import defaultdict
from collections.abc import Hashable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import mutagen

from embedder.audio.digest import audio_digest, audio_size
from embedder.datasets.dataset import Dataset
from embedder.datasets.grouping import LinkedSets
from embedder.errors import AudioError


@dataclass(frozen=True, slots=True)
class Repeats:
    """`sets[i]`: the lowest position among row i and its copies."""

    sets: tuple[int, ...]

    @property
    def n_repeated(self) -> int:
        """Tracks that repeat an earlier one."""
        return sum(first != position for position, first in enumerate(self.sets))


def find_repeats(dataset: Dataset, *, by_content: bool = True) -> Repeats:
    """Find the rows that are the same recording."""
    links = LinkedSets()
    positions = {row.key: position for position, row in enumerate(dataset.rows)}
    contents: defaultdict[Hashable, list[int]] = defaultdict(list)
    for position, row in enumerate(dataset.rows):
        links.root(position)
        if row.duplicate_of:  # two copies are linked even if their original is missing
            links.link([position, positions.get(row.duplicate_of, f"absent {row.duplicate_of}")])
    if by_content:
        for position, content in _contents(dataset).items():
            contents[content].append(position)
    for same in contents.values():
        links.link(same)
    first: dict[Hashable, int] = {}
    sets = tuple(first.setdefault(links.root(i), i) for i in range(len(dataset.rows)))
    return Repeats(sets)


def _contents(dataset: Dataset) -> Mapping[int, Hashable]:
    """Position to a key that is equal for equal content; unique tracks may be missing."""
    if dataset.store is not None:
        return {
            position: hashlib.blake2b(dataset.array(position).tobytes(), digest_size=16).digest()
            for position in range(len(dataset.rows))
        }
    contents: dict[int, Hashable] = {}
    by_size: defaultdict[int, list[tuple[int, Path]]] = defaultdict(list)
    for position, row in enumerate(dataset.rows):
        if row.path is None:
            continue
        samples_digest = _flac_samples_digest(row.path)
        if samples_digest:
            contents[position] = samples_digest
            continue
        with suppress(AudioError):  # reported when the file is decoded
            by_size[audio_size(row.path)].append((position, row.path))
    for tracks in by_size.values():
        if len(tracks) > 1:  # otherwise no other track can be equal
            for position, path in tracks:
                with suppress(AudioError):
                    contents[position] = audio_digest(path)
    return contents


def _flac_samples_digest(path: Path) -> tuple[int, int] | None:
    """Number and MD5 of the samples: the same at every compression level. None: not known."""
    if path.suffix.lower() != ".flac":
        return None
    try:
        info = mutagen.File(path).info
    except (mutagen.MutagenError, AttributeError):  # no FLAC inside
        return None
    digest = getattr(info, "md5_signature", 0)
    return (info.total_samples, digest) if digest else None
