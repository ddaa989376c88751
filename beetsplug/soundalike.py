"""Plugin for beets: items that sound alike, playlists, and what was measured as fields.

    beet soundalike [QUERY]     analyse items, and store their fields
    beet similar QUERY          the items nearest to those of the query
    beet soundlist QUERY        a playlist that goes on from them

`beetsplug` is a namespace that beets and its plugins share: it has no `__init__.py`.
"""

import optparse
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import ClassVar

from beets.dbcore import types
from beets.dbcore.query import PathQuery
from beets.exceptions import UserError
from beets.library import Album, Item
from beets.library import Library as BeetsLibrary
from beets.plugins import BeetsPlugin
from beets.ui import Subcommand, print_

from embedder.errors import SoundalikeError, printable_path
from index.catalogue.records import TrackRecord
from index.library import Library
from index.library_folder.usual import usual_library_folder
from index.playlists.request import PlaylistRequest
from index.search.request import SearchRequest

MAX_SEEDS = 50
MORE = 4
"""So many times more neighbours are asked for, as beets may not have all of them."""
MEASURED = {"tempo": float, "energy": float, "key": str}
SCORE = "soundalike_score"


class SoundalikePlugin(BeetsPlugin):
    """The commands, the fields, and the analysis after each import."""

    item_types: ClassVar = {
        "soundalike_id": types.INTEGER,
        "tempo": types.FLOAT,
        "energy": types.Float(3),
        "key": types.STRING,
    }

    def __init__(self) -> None:
        super().__init__()
        self.config.add({"auto": True, "library": ""})
        self._imported: list[Item] = []
        if self.config["auto"].get(bool):
            self.register_listener("album_imported", self._on_album)
            self.register_listener("item_imported", self._on_item)
            self.register_listener("import", self._on_import)

    def commands(self) -> list[Subcommand]:
        """`beet soundalike`, `beet similar`, `beet soundlist`."""
        analyse = Subcommand("soundalike", help="analyse items for similarity")
        analyse.parser.set_usage("%prog [QUERY]")
        analyse.func = self._analyse_command
        similar = Subcommand("similar", help="list the items that sound like those of a query")
        similar.parser.add_option(
            *("-n", "--number"), type="int", default=10, help="how many items (default: 10)"
        )
        similar.parser.add_option(
            *("-m", "--min-score"), type="float", help="leave out items with a lower score"
        )
        similar.func = self._similar_command
        playlist = Subcommand("soundlist", help="make a playlist that goes on from a query's items")
        playlist.parser.add_option(
            *("-n", "--number"), type="int", default=20, help="how many tracks (default: 20)"
        )
        playlist.parser.add_option(
            *("-o", "--output"), help="write it to a .m3u8, .m3u, .xspf or .json file"
        )
        playlist.parser.add_option("--to", metavar="QUERY", help="lead to the item of this query")
        playlist.parser.add_option("--force", action="store_true", help="replace the file")
        playlist.func = self._soundlist_command
        for command in (similar, playlist):
            command.parser.set_usage("%prog [options] QUERY")
            command.parser.add_path_option()
            command.parser.add_format_option(target="item")
        return [analyse, similar, playlist]

    def _on_album(self, lib: BeetsLibrary, album: Album) -> None:  # noqa: ARG002 - beets' names
        self._imported += album.items()

    def _on_item(self, lib: BeetsLibrary, item: Item) -> None:  # noqa: ARG002 - beets' names
        self._imported.append(item)

    def _on_import(self, lib: BeetsLibrary, paths: list[bytes]) -> None:  # noqa: ARG002 - as above
        """Analyse what was imported, in one batch; a failure does not end the import."""
        items, self._imported = self._imported, []
        if not items:
            return
        try:
            self._analyse([item for item in map(lib.get_item, _ids(items)) if item is not None])
        except SoundalikeError as error:
            self._log.error("not analysed: {}. 'beet soundalike' tries again.", error)

    def _analyse_command(
        self,
        lib: BeetsLibrary,
        opts: optparse.Values,  # noqa: ARG002 - beets passes it
        args: list[str],
    ) -> None:
        with _as_user_errors():
            self._analyse(_items(lib, args))

    def _analyse(self, items: Sequence[Item]) -> None:
        """Bring the library up to date with items, and store their fields."""
        with Library.open_or_create(self._folder()) as library:
            report = library.index([_path(item) for item in items])
            for failure in report.failed:
                self._log.warning("{}: {}", printable_path(failure.path), failure.reason)
            n_stored = sum(_store_fields(library, item) for item in items)
        self._log.info("{} items analysed, {} failed", n_stored, len(report.failed))
        print_(f"soundalike: {n_stored} items analysed, {len(report.failed)} failed")

    def _similar_command(self, lib: BeetsLibrary, opts: optparse.Values, args: list[str]) -> None:
        seeds = _seeds(lib, args)
        with _as_user_errors(), Library.open(self._folder()) as library:
            for item, score in _nearest(library, ItemFinder(lib), seeds, opts.number):
                if score < (opts.min_score or 0):
                    return
                item[SCORE] = round(score, 4)
                is_plain = not opts.format and not opts.path
                print_(f"{score:.2f}  {item}" if is_plain else format(item))

    def _soundlist_command(self, lib: BeetsLibrary, opts: optparse.Values, args: list[str]) -> None:
        seeds = _seeds(lib, args)
        to = None if opts.to is None else str(_path(_items(lib, [opts.to])[0]))
        with _as_user_errors(), Library.open(self._folder()) as library:
            request = PlaylistRequest(seeds=seeds, length=opts.number, to=to)
            playlist = library.playlist(request)
            for note in playlist.notes:
                self._log.warning("{}", note)
            if opts.output:
                playlist.save(Path(opts.output), force=bool(opts.force))
            finder = ItemFinder(lib)
            for entry in playlist.tracks:
                item = finder.item_of(entry.track)
                print_(printable_path(entry.track.path) if item is None else format(item))

    def _folder(self) -> Path:
        """The library: the setting `library`, otherwise that of the command soundalike."""
        named = self.config["library"].get()
        return Path(self.config["library"].as_filename()) if named else usual_library_folder()


class ItemFinder:
    """Which item a track is: by its path, or by its id if beets has moved the file."""

    def __init__(self, lib: BeetsLibrary) -> None:
        self._lib = lib
        self._by_id: dict[int, Item] | None = None

    def item_of(self, track: TrackRecord) -> Item | None:
        """The item of a track; None if beets does not have it."""
        path = os.fsencode(track.path)
        for item in self._lib.items(PathQuery("path", path)):
            if item.path == path:
                return item
        if self._by_id is None:
            items = self._lib.items("soundalike_id::.")
            self._by_id = {int(item["soundalike_id"]): item for item in items}
        return None if Path(track.path).exists() else self._by_id.get(track.id)


def _nearest(
    library: Library, finder: ItemFinder, seeds: Sequence[str], n_items: int
) -> Iterator[tuple[Item, float]]:
    """Items by nearness to the mean of the seeds, each with its score."""
    seen: set[int] = set()
    seed_paths = {os.fsencode(seed) for seed in seeds}  # beets may have moved their files
    k = max(n_items, 1) * MORE
    while True:
        neighbours = library.search(SearchRequest(tuple(seeds), k=k)).neighbours
        for neighbour in neighbours:
            if neighbour.track.id in seen:
                continue
            seen.add(neighbour.track.id)
            item = finder.item_of(neighbour.track)
            if item is not None and item.path not in seed_paths and n_items > 0:
                n_items -= 1
                yield item, neighbour.score
        if n_items <= 0 or len(neighbours) < k:
            return
        k *= MORE


def _store_fields(library: Library, item: Item) -> bool:
    """Store an item's id and measured values; returns whether it was analysed."""
    tracks = library.catalogue.tracks_at(_path(item))
    if not tracks:
        return False
    fields = library.catalogue.fields_of(tracks[0].id)
    item["soundalike_id"] = tracks[0].id
    for name, kind in MEASURED.items():
        values = fields.get(f"measured.{name}")
        if values:
            item[name] = kind(values[0])
    item.store()
    return True


def _items(lib: BeetsLibrary, args: list[str]) -> list[Item]:
    items = list(lib.items(args))
    if not items:
        raise UserError(f"no item matches {' '.join(args) or 'the query'}")
    return items


def _seeds(lib: BeetsLibrary, args: list[str]) -> tuple[str, ...]:
    """The paths of the items of a query; some of them if they are many."""
    if not args:
        raise UserError("give a query: the items to start from")
    items = _items(lib, args)
    step = -(-len(items) // MAX_SEEDS)
    return tuple(os.fspath(_path(item)) for item in items[::step])


def _path(item: Item) -> Path:
    return Path(os.fsdecode(item.path))


def _ids(items: Iterable[Item]) -> list[int]:
    return [item_id for item_id in dict.fromkeys(item.id for item in items) if item_id]


@contextmanager
def _as_user_errors() -> Iterator[None]:
    """Errors of soundalike as errors that beets prints in one line."""
    try:
        yield
    except SoundalikeError as error:
        raise UserError(str(error)) from error
