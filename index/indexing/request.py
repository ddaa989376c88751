"""How to index: which files, with how many workers, and what happens to missing files."""

from dataclasses import dataclass, field
from pathlib import Path

from index.indexing.label_settings import LabelSettings


@dataclass(frozen=True, slots=True)
class ScanRules:
    """Which files to take. `include` empty: all audio files.

    Patterns are shell patterns (`*.mp3`, `*/live/*`). They are tried on a file's name and on its
    path below the scanned folder.
    """

    include: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    with_hidden: bool = False


@dataclass(frozen=True, slots=True)
class IndexOptions:
    """How to index. `workers` None: one for each core."""

    rules: ScanRules = field(default_factory=ScanRules)
    workers: int | None = None
    prune: bool = False
    allow_empty: bool = False
    """With `prune`: a given folder without any audio file may lose all its tracks."""
    retry_failed: bool = False
    dry_run: bool = False
    labels_from: tuple[Path, ...] | None = None
    """Data sets to take labels from, beside those of earlier runs. None: only those; empty: none
    from now on."""
    label_settings: LabelSettings = field(default_factory=LabelSettings)
    """How the data sets of `labels_from` are read."""
    store: str | None = None
    """Where the vectors are kept from now on, as `--store` says it. None: where they are."""
