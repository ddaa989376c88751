"""The bytes that players ask for: songs, as they are or in another format, and covers."""

from pathlib import Path
from typing import TYPE_CHECKING

from starlette.responses import FileResponse, Response

from embedder.audio.decoders import shared_decoders
from embedder.audio.stream_formats import MAX_KBPS, MIN_KBPS, STREAM_FORMATS, Transcoding
from embedder.errors import AudioError, NotFound
from index.catalogue.records import TrackRecord
from soundalike.server.media import audio_path, media_type
from soundalike.server.rest.replies import NOT_FOUND, SubsonicError
from soundalike.server.rest.transcoding import TranscodedSong
from soundalike.server.rest.visit import Visit

if TYPE_CHECKING:
    from embedder.audio.cover import Cover

MAX_TRIED = 5
MAX_COVER = 2000
RAW = "raw"
LOSSLESS_SUFFIXES = frozenset({"aif", "aiff", "ape", "flac", "wav", "wv"})
SAME_FORMAT = {"m4a": "aac", "oga": "ogg"}
"""Files that a player which asks for the format plays as they are."""
MAX_SECONDS = 10**6
SPARE_SHARE, SPARE_BYTES = 1.25, 32 << 10
"""What a stream may be longer than its bit rate says: containers, and bit rates that vary."""


def stream(visit: Visit) -> Response:
    """A song: its file, or another format, bit rate or start if the player asks for one."""
    track = visit.track(visit.text("id"))
    path = _path(visit, track)
    wish = _wish(visit, track, path.suffix.lower().lstrip("."))
    if wish is None:
        return FileResponse(path, media_type=media_type(path))
    wants_length = visit.text("estimateContentLength", "").lower() == "true"
    return TranscodedSong(
        visit.transcoders,
        path,
        wish,
        form=visit.text("f", "xml"),
        length=_length_of(track, wish) if wants_length else None,
    )


def download(visit: Visit) -> Response:
    """The file of a song as it is."""
    path = _path(visit, visit.track(visit.text("id")))
    return FileResponse(path, media_type=media_type(path))


def get_cover_art(visit: Visit) -> Response:
    """The picture in a song's file, or in one of the first songs of an album."""
    name = visit.text("id")
    size = visit.number("size", 0, high=MAX_COVER)
    is_album = name.startswith("al-")
    tracks = visit.album(name).tracks[:MAX_TRIED] if is_album else [visit.track(name)]
    for track in tracks:
        cover = _cover(_path(visit, track), size)
        if cover is not None:
            headers = {"cache-control": "private, max-age=86400"}
            return Response(cover.data, media_type=cover.media_type, headers=headers)
    raise SubsonicError(NOT_FOUND, "no cover")


def _wish(visit: Visit, track: TrackRecord, suffix: str) -> Transcoding | None:
    """What a player wants a song to become; None: nothing else than the file."""
    wanted = visit.text("format", "").lower()
    limit = visit.number("maxBitRate", 0, high=10_000)
    offset = visit.number("timeOffset", 0, high=MAX_SECONDS)
    wanted = wanted if wanted in STREAM_FORMATS or wanted == RAW else ""
    kbps = visit.kbps_of(track)
    is_limited = 0 < limit < (kbps or limit + 1)
    is_same = wanted in ("", suffix, SAME_FORMAT.get(suffix))
    is_whole = track.start_seconds is None and not offset
    if wanted == RAW or (is_same and is_whole and not is_limited):
        return None
    name = wanted or _usual_format(suffix)
    if is_limited and not STREAM_FORMATS[name].is_lossy:
        name = "mp3"
    start = track.start_seconds or 0.0
    return Transcoding(
        name,
        kbps=min(max(limit, MIN_KBPS), MAX_KBPS) if limit else None,
        start_seconds=start + offset,
        end_seconds=track.end_seconds,
    )


def _length_of(track: TrackRecord, wish: Transcoding) -> int | None:
    """Bytes that are enough for a song in another format; None if that cannot be said before."""
    end = wish.end_seconds or ((track.start_seconds or 0.0) + (track.duration_seconds or 0.0))
    seconds = end - wish.start_seconds
    kind = wish.stream_format
    if not kind.is_lossy or not 0 < seconds < MAX_SECONDS:
        return None
    return round(seconds * (wish.kbps or kind.usual_kbps) * 125 * SPARE_SHARE) + SPARE_BYTES


def _usual_format(suffix: str) -> str:
    """The format of a song that cannot be sent as it is, if the player names none."""
    if suffix in STREAM_FORMATS:
        return suffix
    return "flac" if suffix in LOSSLESS_SUFFIXES else "mp3"


def _cover(path: Path, size: int) -> "Cover | None":
    from embedder.audio.cover import read_cover, small_cover

    if not size:
        return read_cover(path)
    try:
        return shared_decoders().run(path, small_cover, path, size)
    except AudioError:  # the picture takes more memory or time than it may
        return read_cover(path)


def _path(visit: Visit, track: TrackRecord) -> Path:
    try:
        return audio_path(visit.library, track)
    except NotFound as error:
        raise SubsonicError(NOT_FOUND, str(error)) from error
