"""Open libraries for requests that are answered at the same time.

    request ─▶ a reader from the pool ─▶ answer ─▶ back into the pool
                  │ the catalogue has changed since it was opened
                  └─▶ opened again

A reader sees the catalogue and the vectors as they were at one moment, so no request sees half of
what another process is writing. Writers use a library of their own.
"""

import queue
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from threadpoolctl import threadpool_limits

from embedder.errors import LibraryBusy, SoundalikeError
from index.catalogue.catalogue import Catalogue
from index.library import Library
from index.library_folder.open_library import CATALOGUE_NAME
from index.vectors.store import VectorStore

N_READERS = 4
REFRESH_SECONDS = 1.0
"""A reader is at most this much older than the catalogue, while another process is writing."""
WAIT_SECONDS = 30.0
WARM_UP_SECONDS = 1.0
"""From the first answer to the loading of FAISS: a page asks for more at once."""
N_TRIES = 3
Mark = tuple[int, int]
_thread = threading.local()


@dataclass(slots=True)
class Reader:
    """A library that stays as it was when it was opened."""

    library: Library
    snapshot: ExitStack
    mark: Mark
    opened: float
    has_vectors: bool

    def close(self) -> None:
        """End the snapshot, and close the library."""
        self.snapshot.close()
        self.library.close()


class Libraries:
    """A pool of readers of one library's folder."""

    def __init__(
        self,
        folder: Path,
        *,
        n_readers: int = N_READERS,
        warn: Callable[[str], None] | None = None,
    ) -> None:
        self.folder = folder
        self.started = time.time()
        self._warn = warn
        Library.open(folder, warn=warn).close()  # raises now if there is no library
        self._watcher = Catalogue.open_to_read(folder / CATALOGUE_NAME)
        self._watching = threading.Lock()
        self._writing = threading.Lock()
        self._last_written = 0.0
        self._sharing = threading.Lock()
        self._store: VectorStore | None = None  # the readers' own, while its vectors are current
        self._warming: threading.Timer | None = None
        self._readers: queue.LifoQueue[Reader | None] = queue.LifoQueue()
        for _ in range(n_readers):
            self._readers.put(None)

    @property
    def mark(self) -> Mark:
        """Differs from an earlier one if the catalogue has changed since."""
        with self._watching:
            return self._watcher.database.change_mark

    @contextmanager
    def reading(self) -> Iterator[Library]:
        """A library to read from, for one request; raises LibraryBusy after half a minute."""
        with self.reading_at() as (library, _):
            yield library

    @contextmanager
    def reading_at(self, *, with_vectors: bool = True) -> Iterator[tuple[Library, Mark]]:
        """As `reading`, with the mark of the moment that the library shows.

        Without vectors, the first requests are answered before FAISS is loaded. It is loaded after
        them.
        """
        try:
            reader = self._readers.get(timeout=WAIT_SECONDS)
        except queue.Empty:
            raise LibraryBusy("too many requests at once. Try again.") from None
        try:
            reader = self._current(reader, with_vectors)
            if self._store is not None:
                _search_with_one_thread()
            yield reader.library, reader.mark
        finally:
            self._readers.put(reader)
        if not reader.has_vectors:
            self._warm_up()

    @contextmanager
    def writing(self) -> Iterator[Library]:
        """A library to change; every request after it sees the change."""
        with self._writing:
            library = self.to_write()
            try:
                yield library
            finally:
                library.close()
                self.note_change()

    def note_change(self) -> None:
        """Let every request from now on see what was written until now."""
        self._last_written = time.monotonic()

    def to_write(self) -> Library:
        """A library of its own, for a request that changes something; close it."""
        return Library.open(self.folder, warn=self._warn)

    def close(self) -> None:
        """Close every reader that is not in use."""
        if self._warming is not None:
            self._warming.cancel()
            self._warming.join()
        while not self._readers.empty():
            reader = self._readers.get_nowait()
            if reader is not None:
                reader.close()
        self._watcher.close()

    def _warm_up(self) -> None:
        """Load FAISS and the vectors a moment later, so that the first search is quick."""
        with self._watching:
            if self._warming is None:
                self._warming = threading.Timer(WARM_UP_SECONDS, self._load_vectors)
                self._warming.daemon = True
                self._warming.start()

    def _load_vectors(self) -> None:
        with suppress(SoundalikeError), self.reading():  # the next request raises it again
            pass

    def _current(self, reader: Reader | None, with_vectors: bool) -> Reader:
        mark = self.mark
        if reader is not None and (reader.has_vectors or not with_vectors):
            is_recent = time.monotonic() - reader.opened < REFRESH_SECONDS
            is_recent = is_recent and reader.opened > self._last_written
            if reader.mark == mark or is_recent:
                return reader
        if reader is not None:
            reader.close()
        return self._opened(mark, with_vectors)

    def _opened(self, mark: Mark, with_vectors: bool) -> Reader:
        """A new reader, whose vectors and catalogue are of the same moment.

        It has vectors also if another reader has them already.
        """
        with_vectors = with_vectors or self._store is not None
        for _ in range(N_TRIES):
            library = Library.open(self.folder, warn=self._warn)
            snapshot = ExitStack()
            state = library.catalogue.revisions.current()
            if with_vectors and library.catalogue.current_model() is not None:
                # The store's file is to be opened before the snapshot begins.
                with self._sharing:
                    if self._store is not None:
                        library.use_store(self._store)
                    self._store = library.store
            snapshot.enter_context(library.catalogue.database.snapshot())
            if library.catalogue.revisions.current() == state:
                break
            snapshot.close()
        return Reader(library, snapshot, mark, time.monotonic(), with_vectors)


def _search_with_one_thread() -> None:
    """Let FAISS search with the request's own thread: requests run side by side already.

    It would take all cores for each query, and wait for them by spinning: 26 ms of processor time
    at 100,000 tracks, in place of 6. OpenMP, which FAISS loads, keeps the number for each thread.
    """
    if not getattr(_thread, "is_limited", False):
        threadpool_limits(1, user_api="openmp")
        _thread.is_limited = True
