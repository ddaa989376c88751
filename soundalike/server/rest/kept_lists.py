"""Playlists that players make, read and change."""

from soundalike.server.kept_lists import (
    MAX_SONGS,
    KeptList,
    all_lists,
    delete,
    keep,
    one_list,
    write,
)
from soundalike.server.rest.replies import MISSING_PARAMETER, SubsonicError, Value
from soundalike.server.rest.visit import Visit

Payload = dict[str, Value]


def get_playlists(visit: Visit) -> Payload:
    """The playlists, by name."""
    entries = [_entry(visit, kept) for kept in all_lists(visit.library.folder)]
    return {"playlists": {"playlist": entries}}


def get_playlist(visit: Visit) -> Payload:
    """One playlist with its songs."""
    return _whole(visit, one_list(visit.library.folder, visit.text("id")))


def create_playlist(visit: Visit) -> Payload:
    """A new playlist of a name, or other songs for an old one."""
    folder, list_id = visit.library.folder, visit.text("playlistId", "")
    songs = [visit.track(song).id for song in visit.texts("songId")]
    if len(songs) > MAX_SONGS:
        raise SubsonicError(MISSING_PARAMETER, f"a playlist has at most {MAX_SONGS} songs")
    if not list_id:
        return _whole(visit, keep(folder, visit.text("name"), songs))
    kept = one_list(folder, list_id)
    return _whole(
        visit, write(folder, kept | {"songs": songs, "name": visit.text("name", kept["name"])})
    )


def update_playlist(visit: Visit) -> Payload:
    """Add songs to a playlist, remove some by their places, or name it anew."""
    folder = visit.library.folder
    kept = one_list(folder, visit.text("playlistId"))
    removed = {int(place) for place in visit.texts("songIndexToRemove") if place.isdecimal()}
    songs = [song for place, song in enumerate(kept["songs"]) if place not in removed]
    songs += [visit.track(song).id for song in visit.texts("songIdToAdd")]
    write(folder, kept | {"songs": songs, "name": visit.text("name", kept["name"])})
    return {}


def delete_playlist(visit: Visit) -> Payload:
    """Delete a playlist."""
    delete(visit.library.folder, visit.text("id"))
    return {}


def _whole(visit: Visit, kept: KeptList) -> Payload:
    songs = [visit.song(track) for track in visit.library.tracks(kept["songs"])]
    return {"playlist": {**_entry(visit, kept), "entry": songs}}


def _entry(visit: Visit, kept: KeptList) -> Payload:
    tracks = visit.library.tracks(kept["songs"])
    return {
        "id": kept["id"],
        "name": kept["name"],
        "owner": visit.text("u", "soundalike"),
        "public": False,
        "songCount": len(tracks),
        "duration": round(sum(track.duration_seconds or 0.0 for track in tracks)),
        "created": kept["created"],
        "changed": kept["changed"],
    }
