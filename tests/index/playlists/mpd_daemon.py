"""A real Music Player Daemon for a test, on a port and with files of its own."""

import shutil
import socket
import subprocess
import time
from pathlib import Path
from typing import Any, Self

import pytest

needs_mpd = pytest.mark.skipif(
    shutil.which("mpd") is None, reason="needs Debian's mpd: apt-get install mpd"
)
PATIENCE_SECONDS = 60.0


class Daemon:
    """An MPD that plays into nothing, in real time."""

    def __init__(self, music: Path, *, n_songs: int) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.address = f"127.0.0.1:{self.port}"
        self._n_songs = n_songs
        home = music.parent
        self.socket = home / "socket"
        self._configuration = home / "mpd.conf"
        self._configuration.write_text(
            f'music_directory "{music}"\nplaylist_directory "{home}"\ndb_file "{home}/db"\n'
            f'state_file "{home}/state"\nsticker_file "{home}/stickers"\nlog_file "{home}/log"\n'
            f'bind_to_address "127.0.0.1"\nbind_to_address "{self.socket}"\nport "{self.port}"\n'
            'audio_output {\n type "null"\n name "none"\n}\n'
        )
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start it, and wait until it knows its songs."""
        self._process = subprocess.Popen(["mpd", "--no-daemon", str(self._configuration)])
        deadline = time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() < deadline:
            try:
                client = self.client()
            except OSError:
                time.sleep(0.05)
                continue
            is_known = client.stats()["songs"] == str(self._n_songs)
            if is_known and "updating_db" not in client.status():
                client.disconnect()
                return
            client.update()
            client.disconnect()
            time.sleep(0.1)
        raise TimeoutError

    def stop(self) -> None:
        """End it; it keeps its queue and stickers for the next start."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait(20)

    def client(self) -> Any:
        """A connected client of the test's own."""
        from mpd import MPDClient

        client = MPDClient()
        client.connect("127.0.0.1", self.port)
        return client
