"""Keep MPD's queue filled with tracks like the one that plays, and learn from skips.

    idle ─▶ status ─▶ played or skipped? ─▶ event ─▶ few songs left? ─▶ tracks like the current one
      ▲                                                                        │
      └────────────────────────────── queued ◀─────────────────────────────────┘

Only songs that this object queued are ever taken out again: after a skip, those that have not been
played make room for others. If MPD goes away, it waits until MPD is back.
"""

import select
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, suppress
from typing import Any

from embedder.errors import BadInput, LibraryBusy, printable_path
from index.catalogue.event_rows import EventKind
from index.catalogue.records import TrackRecord
from index.library_folder.open_library import OpenLibrary
from index.playlists.mpd.addresses import parse_address, shown_address
from index.playlists.mpd.connection import close, news, opened, start_waiting, stop_waiting
from index.playlists.mpd.moments import Moment, moment_of, verdict
from index.playlists.mpd.queueing import add, not_accepted
from index.playlists.mpd.songs import Songs
from index.playlists.mpd.stickers import FOLLOWED, sticker_verdicts, store_verdicts
from index.playlists.radio import Radio
from index.taste.request import EventRequest, check_taste
from index.taste.waiting import store_or_wait

AHEAD = 3
"""So many songs are to come after the current one."""
MAX_SEEDS = 3
"""The current track, and the last ones that were heard before it."""
MAX_REFUSED = 10
"""After so many tracks that MPD does not take, its music folder is another one."""
RETRY_SECONDS = 2.0
LOOK_SECONDS = 60.0
"""Without news for so long, it looks whether MPD is there."""
POLL_SECONDS = 1.0
WATCHED = ("player", "playlist", "options", "sticker")

OpenNow = Callable[[], AbstractContextManager[OpenLibrary]]


class Follower:
    """Follows one MPD. `open_library` opens the library anew for each step: it may change."""

    def __init__(
        self,
        open_library: OpenNow,
        address: str,
        *,
        taste: float,
        where: str = "",
        tell: Callable[[str], object] = str,
    ) -> None:
        check_taste(taste)
        self._open_library = open_library
        self._address = address
        self._taste = taste
        self._where = where
        self._tell = tell
        host, port = parse_address(address)
        self._shown = shown_address(host, port)
        self._is_local = port == 0
        self._stopped = threading.Event()
        self._seeds: list[int] = []
        """Ids of tracks that were heard, the latest last."""
        self._played: list[TrackRecord] = []
        self._forget_connection()

    def stop(self) -> None:
        """End `follow`, from another thread, within a second or two."""
        self._stopped.set()

    def follow(self) -> None:
        """Follow until Ctrl-C or `stop`; raises BadInput if there is no MPD at the start."""
        from mpd.base import CommandError, MPDError

        is_first = True
        while not self._stopped.is_set():
            try:
                client = opened(self._address)
            except BadInput:
                if is_first:
                    raise
                self._stopped.wait(RETRY_SECONDS)
                continue
            self._tell(f"{'following' if is_first else 'following again'} {self._shown}")
            is_first = False
            try:
                self._serve(client)
            except CommandError as error:
                raise BadInput(f"{self._shown}: MPD refused ({error})") from error
            except (OSError, MPDError):
                self._tell(f"{self._shown} is gone: waiting until MPD is back")
            finally:
                close(client)
            self._forget_connection()
            self._stopped.wait(RETRY_SECONDS)

    def _forget_connection(self) -> None:
        """Ids in MPD's queue are others after a restart."""
        self._last: Moment | None = None
        self._own: dict[str, TrackRecord] = {}
        """Songs that were queued here, by id."""
        self._heard_ids: set[str] = set()
        self._is_refused = False
        """Whether MPD refused a track at the last try."""
        self._stuck_id = ""
        """The song after which nothing could be queued."""

    def _serve(self, client: Any) -> None:
        """Follow over one connection, until it fails."""
        songs = Songs(client, is_local=self._is_local)
        self._read_stickers(client, songs)
        while not self._stopped.is_set():
            moment = moment_of(client.status(), client.currentsong(), seen=time.monotonic())
            kind = None if self._last is None else verdict(self._last, moment)
            if kind is not None and self._last is not None:
                self._record(songs, self._last, kind)
                if kind == "skip":
                    self._take_back(client, moment)
            self._last = moment
            self._heard_ids.add(moment.song_id)
            self._fill(client, songs, moment)
            if "sticker" in self._changes(client):
                self._read_stickers(client, songs)

    def _record(self, songs: Songs, moment: Moment, kind: EventKind) -> None:
        """Store that a song was played or skipped."""
        with self._open_library() as library:
            track = songs.track_of(library, moment.song)
            if track is None:
                return
            is_stored = store_or_wait(library, [EventRequest(track.id, kind, None, FOLLOWED)])
        later = "" if is_stored else " (stored when the library can be written to)"
        self._tell(f"{'played' if kind == 'play' else 'skipped'}: {shown_track(track)}{later}")
        if kind == "play":
            self._seeds = [*self._seeds, track.id][1 - MAX_SEEDS :]
        elif track.id in self._seeds:
            self._seeds.remove(track.id)

    def _take_back(self, client: Any, moment: Moment) -> None:
        """Remove the songs that were queued here and have not been heard, to choose again."""
        from mpd.base import CommandError

        for song_id in [key for key in self._own if key not in self._heard_ids | {moment.song_id}]:
            del self._own[song_id]
            with suppress(CommandError):  # the listener has removed it
                client.deleteid(song_id)

    def _fill(self, client: Any, songs: Songs, moment: Moment) -> None:
        """Queue tracks like the current one, if few are left."""
        if not moment.song_id or moment.state == "stop" or moment.song_id == self._stuck_id:
            return
        queue = client.playlistinfo()
        n_missing = AHEAD - self._n_ahead(queue, moment)
        if n_missing <= 0:
            return
        with self._open_library() as library:
            current = songs.track_of(library, moment.song)
            if current is None:
                name = moment.song.get("file", "")
                self._tell(f"{name} is not in the library: nothing is queued after it")
                self._stuck_id = moment.song_id
                return
            if moment.song_id not in self._own:  # the listener chose it: go on from it alone
                self._seeds = [seed for seed in self._seeds if seed == current.id]
            queued = self._tracks_of(library, songs, queue)
            n_queued = self._queue(client, songs, self._radio(library, current, queued), n_missing)
            if n_queued < n_missing and not self._is_refused:  # all tracks have come: begin again
                self._played.clear()
                self._seeds.clear()  # a search never gives its own seeds
                to_come = self._tracks_of(library, songs, queue[moment.position :])
                to_come += list(self._own.values())[len(self._own) - n_queued :]
                radio = self._radio(library, current, to_come)
                n_queued += self._queue(client, songs, radio, n_missing - n_queued)
            self._stuck_id = "" if n_queued else moment.song_id

    def _n_ahead(self, queue: Sequence[dict[str, str]], moment: Moment) -> int:
        """How many songs come after the current one; in random order, those not heard yet."""
        if not moment.is_random:
            return len(queue) - 1 - moment.position
        return sum(song["id"] not in self._heard_ids for song in queue)

    def _radio(
        self, library: OpenLibrary, current: TrackRecord, queued: Sequence[TrackRecord]
    ) -> Radio:
        seeds = dict.fromkeys([*self._seeds, current.id])
        known_ids = {track.id for track in library.tracks(list(seeds))}
        offered = {track.id: track for track in (*self._played, current, *queued)}
        return Radio(
            library,
            [str(seed) for seed in seeds if seed in known_ids],
            taste=self._taste,
            where=self._where,
            offered=list(offered.values()),
        )

    def _queue(self, client: Any, songs: Songs, radio: Radio, n_missing: int) -> int:
        """Queue the next tracks of a radio; returns how many MPD took."""
        n_queued, n_refused, problem = 0, 0, ""
        while n_queued < n_missing and n_refused < MAX_REFUSED:
            track = radio.next()
            if track is None:
                break
            song_id, reason = add(client, songs, track)
            if reason:
                n_refused += 1
                problem = f"{printable_path(track.path)}: {reason}"
                continue
            n_queued += 1
            self._own[song_id] = track
            self._played.append(track)
            self._tell(f"queued: {shown_track(track)}")
        if not n_queued and n_refused:
            self._tell(not_accepted(songs, problem))
        self._is_refused = n_refused > 0
        return n_queued

    def _tracks_of(
        self, library: OpenLibrary, songs: Songs, queue: Sequence[dict[str, str]]
    ) -> list[TrackRecord]:
        """The tracks of songs in the queue, without those that the library does not have."""
        tracks = [songs.track_of(library, song) for song in queue]
        return [track for track in tracks if track is not None]

    def _read_stickers(self, client: Any, songs: Songs) -> None:
        verdicts = sticker_verdicts(client)
        try:
            with self._open_library() as library:
                report = store_verdicts(library, songs, verdicts)
        except LibraryBusy:
            return  # another process is writing; the next sticker tries again
        if report.n_added or report.n_removed:
            self._tell(f"stickers: {report.n_added} new, {report.n_removed} taken back")

    def _changes(self, client: Any) -> list[str]:
        """Wait for news; the names of what has changed, or nothing after a minute."""
        start_waiting(client, WATCHED)
        deadline = time.monotonic() + LOOK_SECONDS
        while time.monotonic() < deadline and not self._stopped.is_set():
            # In short steps, so that Ctrl-C is noticed on every system.
            if select.select([client], [], [], POLL_SECONDS)[0]:
                return news(client)
        return stop_waiting(client)


def shown_track(track: TrackRecord) -> str:
    """A track in one line."""
    return " - ".join(filter(None, (track.artist, track.title))) or track.path
