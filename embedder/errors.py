"""All errors that users see, in one tree, and the text of paths in messages and JSON.

A message says what happened, to which file, with which value, and what to do next.

    SoundalikeError
    ├── UsageError                 a wrong argument or setting
    │   ├── UnknownChoice          not one of the valid names; they are listed
    │   ├── AmbiguousTrack         words that several tracks have; they are listed
    │   └── ConfigError            a TOML file or key=value that does not fit
    ├── BadInput                   a file or data set that cannot be used
    │   ├── AudioError             an audio file, and why
    │   │   ├── MissingAudio       no such file, or it was removed while it was read
    │   │   ├── NotAnAudioFile     a directory, a pipe, text, a file without an audio stream
    │   │   ├── UnreadableAudio    broken data, unknown codec
    │   │   │   ├── OutOfReach     no permission, or the disk or the network fails
    │   │   │   └── DeadlyAudio    the decoder crashes or hangs on it
    │   │   ├── AudioTooShort      less audio than an excerpt needs
    │   │   └── SilentAudio        digital silence
    │   ├── DeviceError            a microphone or loudspeaker, and why it cannot be used
    │   ├── DatasetError           a table, layout or label that training cannot use
    │   └── NotFound               a track, label or field that the library does not have
    ├── ArtefactError              a checkpoint, library or export that cannot be trusted
    │   ├── CorruptArtefact        truncated, altered or not what its name says
    │   ├── FingerprintMismatch    made by another model; both fingerprints are printed
    │   ├── UnsupportedFormat      written by a newer version
    │   └── ForeignCodeCrashed     other people's compiled code cannot run here
    ├── TrainingDiverged           the loss is not a number any more
    ├── ProcessLost                another process of a training run has ended
    ├── LibraryBusy                another process is writing to the library
    ├── StorageError               a disk that is full or read-only, or a missing permission
    ├── OutputExists               would overwrite; the message names --force
    ├── MissingExtra               an optional package is not installed; the message names the extra
    └── PartialFailure             done, but some files failed
"""

import difflib
import errno
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path


class SoundalikeError(Exception):
    """What soundalike raises on purpose; anything else is a bug of ours."""


class UsageError(SoundalikeError):
    """A wrong argument or setting."""


class UnknownChoice(UsageError):
    """A name that is not one of the valid ones."""

    def __init__(self, what: str, given: object, valid: Iterable[str]) -> None:
        names = sorted(valid)
        close = difflib.get_close_matches(str(given), names, n=1)
        hint = f" Did you mean {close[0]}?" if close else ""
        shown = names_near(str(given), names)
        super().__init__(f"unknown {what} {str(given)!r}: use {shown}.{hint}")


MOST_NAMES = 20
"""A message lists no more: of longer lists, those that are nearest to what was given."""


def names_near(given: str, names: Sequence[str]) -> str:
    """Names for a message, in their order; of many, the nearest ones first and how many more."""
    if len(names) <= MOST_NAMES:
        return ", ".join(names)
    nearest = difflib.get_close_matches(given, names, n=MOST_NAMES // 2, cutoff=0.0)
    return f"{', '.join(nearest)} and {len(names) - len(nearest)} more"


FAILING_DISK = frozenset(
    {
        errno.EHOSTDOWN,
        errno.EHOSTUNREACH,
        errno.EIO,
        errno.ENETDOWN,
        errno.ENETUNREACH,
        errno.ENODEV,
        errno.ENOLCK,
        errno.ENOTCONN,
        errno.ENXIO,
        errno.EREMOTEIO if hasattr(errno, "EREMOTEIO") else errno.EIO,
        errno.ESTALE,
        errno.ETIMEDOUT,
    }
)
"""Numbers of an OSError whose cause is a disk, or a network folder, that fails or is gone."""
OUT_OF_REACH = FAILING_DISK | {errno.EACCES, errno.EMFILE, errno.ENFILE, errno.EPERM}
"""Numbers of an OSError that says nothing about the file: the same file may be readable later."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """A track that words may mean."""

    id: int
    artist: str
    title: str

    def __str__(self) -> str:
        return f"{self.id} {': '.join(part for part in (self.artist, self.title) if part)}"


class AmbiguousTrack(UsageError):
    """Words that `total` tracks have; `candidates` are the best matches."""

    def __init__(self, words: str, candidates: Sequence[Candidate], *, total: int) -> None:
        more = f", and {total - len(candidates)} more" if total > len(candidates) else ""
        super().__init__(
            f"{printable_path(words)}: {total} tracks have these words. Give an id, or more words: "
            f"{', '.join(map(str, candidates))}{more}"
        )
        self.words = words
        self.candidates = tuple(candidates)
        self.total = total


class ConfigError(UsageError):
    """A TOML file or a key=value that does not fit."""


class BadInput(SoundalikeError):
    """A file or data set that cannot be used."""


class AudioError(BadInput):
    """An audio file, and why it cannot be used."""

    def __init__(self, path: Path | str, reason: str) -> None:
        super().__init__(f"{printable_path(path)}: {reason}")
        self.path = path
        self.reason = reason

    @property
    def is_passing(self) -> bool:
        """Whether the same file may be readable later: it is missing or out of reach."""
        return isinstance(self, MissingAudio | OutOfReach)

    def __reduce__(self) -> tuple[type["AudioError"], tuple[Path | str, str]]:
        return type(self), (self.path, self.reason)  # it crosses process boundaries


class MissingAudio(AudioError):
    """No such file, or it was removed while it was read."""


class NotAnAudioFile(AudioError):
    """A directory, a pipe, text, or a file without an audio stream."""


class UnreadableAudio(AudioError):
    """Broken data or an unknown codec."""


class OutOfReach(UnreadableAudio):
    """No permission, or the disk or the network fails: the file may be readable later."""


class DeadlyAudio(UnreadableAudio):
    """The decoder crashes or hangs on it."""


class AudioTooShort(AudioError):
    """Less audio than an excerpt needs."""


class SilentAudio(AudioError):
    """Digital silence."""


class DeviceError(BadInput):
    """A microphone or loudspeaker that cannot be used."""


class DatasetError(BadInput):
    """A table, layout or label that training cannot use."""


class NotFound(BadInput):
    """A track, label or field that the library does not have."""


class ArtefactError(SoundalikeError):
    """A checkpoint, library or export that cannot be trusted."""


class CorruptArtefact(ArtefactError):
    """Truncated, altered or not what its name says."""


class FingerprintMismatch(ArtefactError):
    """Made by another model."""

    def __init__(self, what: str, *, found: str, expected: str, advice: str) -> None:
        super().__init__(f"{what}: fingerprint {found}, expected {expected}. {advice}")
        self.found = found
        self.expected = expected


class UnsupportedFormat(ArtefactError):
    """Written by a newer version of soundalike."""


class ForeignCodeCrashed(ArtefactError):
    """Other people's compiled code cannot run here: it crashed in a child process."""


class TrainingDiverged(SoundalikeError):
    """The loss is not a number any more."""


class ProcessLost(SoundalikeError):
    """Another process of a training run has ended, so this one cannot go on."""


class LibraryBusy(SoundalikeError):
    """Another process is writing to the library."""


class StorageError(SoundalikeError):
    """A disk that is full or read-only, or a missing permission. What is stored is sound."""


class OutputExists(SoundalikeError):
    """Writing would replace something."""

    def __init__(self, path: Path | str) -> None:
        super().__init__(f"{printable_path(path)} exists already. Give --force to replace it.")


class MissingExtra(SoundalikeError):
    """An optional package is not installed."""

    def __init__(self, feature: str, extra: str) -> None:
        super().__init__(
            f"{feature} needs the extra {extra!r}: in the folder of soundalike's source, "
            f"pip install '.[{extra}]'"
        )


class PartialFailure(SoundalikeError):
    """Done, but some files failed."""


def utf8_text(path: Path | str) -> str:
    r"""A path as text that every JSON reader takes: bytes that are not UTF-8 become \xNN."""
    try:
        data = str(path).encode("utf-8", "surrogateescape")
    except UnicodeEncodeError:  # a surrogate that stands for no byte, such as JSON may hold
        data = str(path).encode("utf-8", "backslashreplace")
    return data.decode("utf-8", "backslashreplace")


def printable_path(path: Path | str) -> str:
    """A path on one line: control characters and bytes that are not UTF-8 are escaped."""
    text = utf8_text(path)
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
