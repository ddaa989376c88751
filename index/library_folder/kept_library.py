"""The methods of a library that need no audio: facts, exports, checks, repairs, tracks by words.

`index.library.Library` adds the questions that are answered from sound.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Unpack

from index.library_folder.open_library import OpenLibrary

if TYPE_CHECKING:
    import pandas as pd

    from index.catalogue.records import TrackRecord
    from index.library_folder.encoder import Encoder
    from index.library_folder.finding.request import ListOptions
    from index.library_folder.finding.results import TrackList
    from index.library_folder.report import LibraryReport
    from index.library_folder.upkeep import LibraryInfo
    from index.vectors.kinds import StoreSettings
    from index.vectors.store import VectorStore


class KeptLibrary(OpenLibrary):
    """An open library that can be listed, described, checked and changed."""

    def use_store(self, store: "VectorStore") -> None:
        """Take the store of another open library of this folder, if it has the same vectors."""
        if self._store_cache.is_current(store, self.model):
            self._store = store

    def to_pandas(self) -> "pd.DataFrame":
        """A row a track, by id: its fields and tags. `vectors(frame.index)` are in its order."""
        from index.library_folder.frames import library_frame

        return library_frame(self)

    def export(self, path: Path, *, force: bool = False) -> int:
        """Write every track to a .csv, .json or .npz file; returns their number."""
        from index.library_folder.export import export_library

        return export_library(self, path, replace=force)

    def info(self) -> "LibraryInfo":
        """The library at a glance."""
        from index.library_folder.upkeep import library_info

        return library_info(self)

    def report(self) -> "LibraryReport":
        """The library at length: also its model, its fields and its hubs."""
        from index.library_folder.report import report_on

        return report_on(self)

    def verify(self, *, deep: bool = False, encoder: "Encoder | None" = None) -> list[str]:
        """What is wrong with the library, in sentences; empty if all is well.

        With `deep`, some files are also analysed again, with the library's model or `encoder`,
        and their vectors compared.
        """
        from index.library_folder.checkup import verify, verify_by_analysis

        problems = verify(self)
        if deep and not problems:
            problems = verify_by_analysis(self, encoder=encoder)
        return problems

    def remove(self, ids: Sequence[int]) -> "list[TrackRecord]":
        """Forget tracks; their files stay. Returns the removed tracks; raises NotFound."""
        from index.library_folder.upkeep import remove_tracks

        return remove_tracks(self, ids)

    def set_store(self, settings: "StoreSettings") -> None:
        """Change how vectors are stored: the kind of index, the memory budget, the effort."""
        from index.library_folder.upkeep import set_store

        set_store(self, settings)

    def set_correction(self, name: str) -> None:
        """Set the searches' default correction against hubs; `model`: as the model's card says."""
        from index.library_folder.upkeep import set_correction

        set_correction(self, name)

    def rebuild(self) -> None:
        """Rebuild `vectors.faiss` from the catalogue."""
        self.rebuild_as(None)

    def rebuild_as(self, kind: str | None, *, memory_mb: int | None = None) -> None:
        """Rebuild `vectors.faiss`; a new kind or memory budget is kept as the setting."""
        from index.library_folder.upkeep import rebuild_as

        rebuild_as(self, kind, memory_mb=memory_mb)

    def find(self, words: str, **options: Unpack["ListOptions"]) -> "TrackList":
        """The tracks that have all words: `find("john lee hook")`. The best match comes first.

        A word also stands for the words that begin with it, in title, artist, album or path. The
        options are those of `soundalike library find`.
        """
        return self.list(words, **options)

    def list(self, words: str = "", **options: Unpack["ListOptions"]) -> "TrackList":
        """The tracks, by id, or those that have all words; `limit`, `offset` choose a page.

        The options are those of `soundalike library list`.
        """
        from index.library_folder.finding.listing import list_tracks
        from index.library_folder.finding.request import ListRequest

        return list_tracks(self.catalogue, ListRequest(words, **options))
