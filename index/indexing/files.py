"""A catalogued track as a request to decode it, and whether its file has changed since."""

import os
from pathlib import Path

from embedder.encoding.requests import TrackRequest
from index.catalogue.ledger import KnownFile
from index.indexing.scan import storable_time


def request_of(track: KnownFile, *, measurers: tuple[str, ...]) -> TrackRequest:
    """The file, or the part of it, with what is to be measured beside its vector."""
    path = Path(os.fsdecode(track.path))
    if track.start_seconds is None:
        return TrackRequest(path, measurers=measurers)
    end = track.end_seconds
    seconds = None if end is None else end - track.start_seconds
    return TrackRequest(path, track.start_seconds, seconds, measurers)


def has_changed(track: KnownFile) -> bool:
    """Whether a file is another one now than when it was scanned."""
    try:
        status = os.stat(track.path)  # noqa: PTH116 - the path is bytes
    except OSError:
        return False  # it was read, and is gone now: the next run sees that
    present = status.st_size, storable_time(status.st_mtime_ns)
    return present != (track.size_bytes, track.modified_ns)
