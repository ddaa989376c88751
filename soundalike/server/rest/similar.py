"""Songs that sound alike, for players: radio, sonic similarity, and paths between two songs."""

import numpy as np

from index.catalogue.records import TrackRecord
from index.playlists.request import PlaylistRequest
from index.search.request import SearchRequest
from soundalike.server.rest.replies import NOT_FOUND, Child, SubsonicError, Value
from soundalike.server.rest.visit import Visit

Payload = dict[str, Value]
PER_ARTIST = 3
MAX_SEEDS = 50
MAX_MATCHES = 500
MAX_PATH = 100


def get_similar_songs(visit: Visit) -> Payload:
    """Songs like a song, an album or an artist; at most three of one artist."""
    return {"similarSongs": {"song": _similar(visit)}}


def get_similar_songs2(visit: Visit) -> Payload:
    """The same under the name of the newer protocol."""
    return {"similarSongs2": {"song": _similar(visit)}}


def get_sonic_similar_tracks(visit: Visit) -> Payload:
    """Songs by likeness, each with its score."""
    track = visit.track(visit.text("id"))
    count = visit.number("count", 10, high=MAX_MATCHES)
    if not count:
        return {"sonicMatch": []}
    request = SearchRequest((str(track.id),), k=count, with_duplicates=False)
    neighbours = visit.library.search(request).neighbours
    return {"sonicMatch": [_match(visit, near.track, near.score) for near in neighbours]}


def find_sonic_path(visit: Visit) -> Payload:
    """Songs that lead from one to another; the first is the start and the last is the end."""
    start, end = visit.track(visit.text("startSongId")), visit.track(visit.text("endSongId"))
    count = visit.number("count", 25, low=2, high=MAX_PATH)
    if start.id == end.id:
        return {"sonicMatch": [_match(visit, start, 1.0)]}
    request = PlaylistRequest((str(start.id),), to=str(end.id), length=count)
    tracks = [place.track for place in visit.library.playlist(request).tracks]
    scores = _scores_to(visit, start, tracks)
    return {"sonicMatch": [_match(visit, track, scores[track.id]) for track in tracks]}


def _similar(visit: Visit) -> list[Payload]:
    name = visit.text("id")
    if name.startswith("ar-"):
        artist = visit.shelf.artists.get(name)
        if artist is None:
            raise SubsonicError(NOT_FOUND, "no such artist")
        seeds = [track for album in artist.albums for track in album.tracks]
    elif name.startswith("al-"):
        seeds = visit.album(name).tracks
    else:
        seeds = [visit.track(name)]
    step = max(len(seeds) // MAX_SEEDS, 1)
    request = SearchRequest(
        tuple(str(track.id) for track in seeds[::step][:MAX_SEEDS]),
        k=visit.number("count", 50, low=1, high=MAX_MATCHES),
        per_artist=PER_ARTIST,
        with_duplicates=False,
    )
    return [visit.song(near.track) for near in visit.library.search(request).neighbours]


def _scores_to(visit: Visit, start: TrackRecord, tracks: list[TrackRecord]) -> dict[int, float]:
    """The score of each track against the first."""
    library = visit.library
    vectors = library.vectors([track.id for track in tracks])
    distances = library.space.between(library.vectors([start.id])[0], vectors)
    scores = library.scoring.scores(distances.astype(np.float64))
    return {
        track.id: 1.0 if track.id == start.id else float(score)
        for track, score in zip(tracks, scores, strict=True)
    }


def _match(visit: Visit, track: TrackRecord, score: float) -> Payload:
    return {"entry": visit.song(track), "similarity": Child(round(score, 4))}
