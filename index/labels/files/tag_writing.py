"""Write one tag of an audio file with mutagen: MP3, WAV, AIFF, FLAC, Ogg, Opus, M4A and others.

The tag is written into a copy beside the file. When the copy is complete and its audio unchanged,
it replaces the file in one rename, so a crash leaves either the old or the new file. Read-only
files and fields that are not plain text raise an error. A disk that is full or read-only raises
StorageError, because it takes no other file either.
"""

import contextlib
import errno
import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mutagen
from mutagen._vorbis import VComment
from mutagen.apev2 import APEv2
from mutagen.asf import ASFTags
from mutagen.id3 import ID3, Frames, TextFrame
from mutagen.mp4 import MP4FreeForm, MP4Tags

from embedder.audio.digest import audio_digest
from embedder.errors import (
    AudioError,
    CorruptArtefact,
    StorageError,
    UnreadableAudio,
    UsageError,
    printable_path,
)
from index.indexing.tags import ASF_FIELDS, ID3_FIELDS, MP4_FIELDS, field_of, texts_of
from index.labels.table import split_labels

NOT_PLAIN_TEXT = ("bpm", "compilation", "date", "originaldate", "tracknumber", "year")
NEEDS_ID3_24 = ("TMOO", "TDOR")
"""Frames that ID3v2.3 lacks; there the field goes into a TXXX frame."""
MP4_FREE_FORM = "----:com.apple.iTunes:"
_FRAMES: dict[str, Any] = Frames
_FREE_FORM: Any = MP4FreeForm
Raw = dict[str, list[str]]
"""A field as stored in the file: its own keys, and the texts of each."""


@dataclass(frozen=True, slots=True)
class FieldState:
    """A field of a file."""

    labels: tuple[str, ...]
    raw: Raw
    has_tags: bool
    """Whether the file has tags at all."""


def check_writable_field(field: str) -> None:
    """Raise UsageError for a field that is not plain text."""
    if field in NOT_PLAIN_TEXT:
        raise UsageError(f"--write: the field {field} holds no text, so it cannot hold a label")


def read_field(path: Path, field: str) -> FieldState:
    """A field of a file; raises AudioError if its tags cannot be read."""
    return _state(_open(path), field)


def write_field(path: Path, field: str, labels: tuple[str, ...]) -> None:
    """Replace a field of a file by labels."""
    check_writable_field(field)

    def change(tags: Any) -> None:
        key = next(iter(_raw(tags, field)), None) or _usual_key(tags, field)
        _remove(tags, field)
        _put(tags, key, ["; ".join(labels)] if _is_old_id3(tags) else list(labels))

    _rewrite(path, change, drop_tags_if_empty=False)


def restore_field(path: Path, field: str, state: FieldState) -> None:
    """Restore an earlier state of a field."""

    def change(tags: Any) -> None:
        _remove(tags, field)
        for key, texts in state.raw.items():
            _put(tags, key, texts)

    _rewrite(path, change, drop_tags_if_empty=not state.has_tags)


def _state(audio: Any, field: str) -> FieldState:
    raw = {} if audio.tags is None else _raw(audio.tags, field)
    tags = {} if audio.tags is None else audio.tags
    texts = [
        text
        for key, value in tags.items()
        if field_of(key, value) == field
        for text in texts_of(value)
    ]
    labels = tuple(dict.fromkeys(split_labels(texts)))
    return FieldState(labels, raw, has_tags=audio.tags is not None)


def _rewrite(path: Path, change: Callable[[Any], None], *, drop_tags_if_empty: bool) -> None:
    real = path.resolve()  # a link stays a link
    before = audio_digest(real)
    status = real.stat()
    if _is_on_read_only_disk(real):
        raise StorageError(f"{printable_path(path)}: on a read-only disk. Leave its files out.")
    if not status.st_mode & 0o222 or not os.access(real, os.W_OK):
        raise AudioError(path, "read-only: its permissions forbid writing")
    temporary = _beside(real)
    try:
        temporary.unlink(missing_ok=True)  # it may be a link
        shutil.copy2(real, temporary)
        _change_tags(temporary, path, change, drop_tags_if_empty=drop_tags_if_empty)
        if audio_digest(temporary) != before:
            raise AudioError(path, "its audio would change: nothing was written")
        _keep_owner(temporary, status)
        os.utime(temporary)
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        if audio_digest(real) != before or real.stat().st_mtime_ns != status.st_mtime_ns:
            raise AudioError(path, "it changed while it was being labelled: nothing was written")
        temporary.replace(real)
    except OSError as error:
        raise _refusal(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # report the first error
            temporary.unlink(missing_ok=True)


def remove_leftover(path: Path) -> None:
    """Remove the copy that a crash left beside a file."""
    with contextlib.suppress(OSError):
        _beside(path.resolve()).unlink(missing_ok=True)


def _beside(real: Path) -> Path:
    """The path of a file's copy: a hidden file with a short name that depends on the file's."""
    digest = hashlib.sha256(os.fsencode(real.name)).hexdigest()
    return real.with_name(f".labelling-{digest[:16]}{real.suffix}")


def _is_on_read_only_disk(path: Path) -> bool:
    if os.name == "nt":  # which has no statvfs
        return False
    return bool(os.statvfs(path).f_flag & os.ST_RDONLY)


def _refusal(path: Path, error: OSError) -> AudioError | StorageError:
    """The error for a file that the system does not write."""
    reason = f"cannot be written ({error.strerror or error})"
    if error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EROFS):
        return StorageError(f"{printable_path(path)}: {reason}.")
    return AudioError(path, reason)


def _change_tags(
    temporary: Path, path: Path, change: Callable[[Any], None], *, drop_tags_if_empty: bool
) -> None:
    try:
        audio = _open(temporary)
        if audio.tags is None:
            audio.add_tags()
        change(audio.tags)
        if drop_tags_if_empty and not len(audio.tags):
            audio.delete()
        elif _is_old_id3(audio.tags):
            # Some players read only this version; several values of a frame stay as they are.
            audio.tags.update_to_v23()
            audio.save(v2_version=3, v23_sep=None)
        else:
            audio.save()
    except (mutagen.MutagenError, ValueError, NotImplementedError) as error:
        if error.args and isinstance(error.args[0], OSError):  # mutagen wraps those of the system
            raise error.args[0] from error
        raise AudioError(path, f"its tags cannot be written ({error})") from error
    except AudioError as error:
        raise AudioError(path, error.reason) from error  # under its own name


def _open(path: Path) -> Any:
    """A file with its tags; raises AudioError if mutagen cannot write this format."""
    try:
        audio: Any = mutagen.File(path)
    except (mutagen.MutagenError, OSError, ValueError, IndexError, KeyError) as error:
        raise UnreadableAudio(path, f"its tags cannot be read ({error})") from error
    kinds = (ID3, VComment, MP4Tags, APEv2, ASFTags)
    if audio is None or not (audio.tags is None or isinstance(audio.tags, kinds)):
        raise AudioError(path, "tags of this format cannot be written")
    return audio


def _raw(tags: Any, field: str) -> Raw:
    """The file's own keys of a field, and their texts."""
    if isinstance(tags, VComment):  # only the list of pairs keeps the case of keys
        raw: Raw = {}
        for key, text in list.__iter__(tags):
            if field_of(key, text) == field:
                raw.setdefault(key, []).append(text)
        return raw
    return {
        key: _plain_texts(value) for key, value in tags.items() if field_of(key, value) == field
    }


def _plain_texts(value: Any) -> list[str]:
    """A tag's texts as they are: (17) stays (17)."""
    if isinstance(value, (str, bytes)):
        value = [value]
    values = getattr(value, "text", value)
    return [v.decode("utf-8", "replace") if isinstance(v, bytes) else str(v) for v in values]


def _usual_key(tags: Any, field: str) -> str:
    """The key of a field in a file that does not have it yet."""
    if _is_id3(tags):
        frame = _first_key(ID3_FIELDS, field)
        is_known = frame and not (_is_old_id3(tags) and frame in NEEDS_ID3_24)
        return frame if is_known else f"TXXX:{field.upper()}"
    if isinstance(tags, MP4Tags):
        return _first_key(MP4_FIELDS, field) or f"{MP4_FREE_FORM}{field.upper()}"
    if isinstance(tags, ASFTags):
        return _first_key(ASF_FIELDS, field) or field.upper()
    return field.title() if isinstance(tags, APEv2) else field.upper()


def _first_key(fields: dict[str, str], field: str) -> str:
    return next((key for key, name in fields.items() if name == field), "")


def _remove(tags: Any, field: str) -> None:
    for key in _raw(tags, field):
        del tags[key]


def _put(tags: Any, key: str, texts: list[str]) -> None:
    if key.startswith("----:"):
        tags[key] = [_FREE_FORM(text.encode()) for text in texts]
        return
    if not _is_id3(tags):
        tags[key] = texts
        return
    frame, _, description = key.partition(":")
    if not issubclass(_FRAMES.get(frame, object), TextFrame):
        raise CorruptArtefact(
            f"{key!r} is no text frame of ID3: the journal was altered. Files that were restored "
            "before stay restored."
        )
    named = {"desc": description} if frame == "TXXX" else {}
    tags.add(_FRAMES[frame](encoding=3, text=texts, **named))


def _is_id3(tags: Any) -> bool:
    return isinstance(tags, ID3)


def _is_old_id3(tags: Any) -> bool:
    """Whether the tags are ID3v2.3, which lacks some frames and several texts in one frame."""
    return _is_id3(tags) and tags.version[:2] == (2, 3)


def _keep_owner(temporary: Path, status: os.stat_result) -> None:
    with contextlib.suppress(PermissionError, AttributeError):
        # Only root may change the owner, and Windows has no chown.
        os.chown(temporary, status.st_uid, status.st_gid)
