"""The plugin in a real beets: a library that is imported from real files, and its commands."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("beets", reason="the extra 'beets' is not installed")

import beets
from beets import plugins, ui
from beets.exceptions import UserError
from beets.library import Library as BeetsLibrary

from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.labels.files.tag_writing import write_field
from index.library import Library
from index.playlists.files.files import read_playlist
from tests.cli.songs import write_song

N_SONGS = 6
Beet = Callable[..., list[str]]


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An album of tagged songs that beets does not have yet, and a model beside it."""
    place = tmp_path_factory.mktemp("beets")
    save_model(place / "model", seeded_network(MODELS["tiny"], seed=1), name="tiny")
    for number in range(N_SONGS):
        path = place / "inbox" / f"{number}.flac"
        write_song(path, number)
        for field, value in (("title", f"Song {number}"), ("artist", f"Artist {number % 3}")):
            write_field(path, field, [value])
        write_field(path, "album", ["Album"])
    (place / "inbox" / "broken.mp3").write_bytes(b"no music")
    return place


@pytest.fixture(scope="module")
def place(inbox: Path) -> Path:
    """A folder with beets' configuration and database, its music, and soundalike's library."""
    home = inbox / "home"
    home.mkdir()
    (home / "config.yaml").write_text(
        f"plugins: [soundalike]\ndirectory: {inbox / 'music'}\nlibrary: {home / 'beets.db'}\n"
        f"import:\n  copy: yes\n  autotag: no\n  quiet: yes\n"
        f"soundalike:\n  library: {inbox / 'soundalike'}\n"
    )
    with Library.open_or_create(inbox / "soundalike") as library:
        library.index([inbox / "inbox" / "0.flac"], model=str(inbox / "model"))
    with pytest.MonkeyPatch.context() as patch:
        runner(inbox, patch)("import", str(inbox / "inbox"))
    return inbox


@pytest.fixture
def beet(place: Path, monkeypatch: pytest.MonkeyPatch) -> Beet:
    """Runs one command line of beets in this process; returns the lines that it prints."""
    return runner(place, monkeypatch)


def runner(place: Path, monkeypatch: pytest.MonkeyPatch) -> Beet:
    import beetsplug.soundalike

    monkeypatch.setenv("BEETSDIR", str(place / "home"))
    printed: list[str] = []

    def keep(*texts: str, end: str = "\n") -> None:
        printed.append(" ".join(map(str, texts)))

    monkeypatch.setattr(beetsplug.soundalike, "print_", keep)
    monkeypatch.setattr("beets.ui.print_", keep)

    def run(*words: str) -> list[str]:
        monkeypatch.setattr(plugins, "_instances", [])
        for listeners in (plugins.BeetsPlugin.listeners, plugins.BeetsPlugin._raw_listeners):
            listeners.clear()
        beets.config.clear()
        beets.config.read()
        printed.clear()
        ui._raw_main(list(words))
        return list(printed)

    return run


def test_an_import_is_analysed(beet: Beet, place: Path) -> None:
    """Imported items have an id and measured values as fields that queries find."""
    lines = beet("ls", "-f", "$title|$soundalike_id|$tempo|$energy|$key", "tempo:1..400")
    assert len(lines) == N_SONGS
    for line in lines:
        title, number, _, energy, key = line.split("|")
        with Library.open(place / "soundalike") as library:
            track = library.track(int(number))
        assert track.title == title
        assert Path(track.path).is_relative_to(place / "music")
        assert 0 <= float(energy) <= 1
        assert key


def test_similar_items_are_listed(beet: Beet, place: Path) -> None:
    """`beet similar` prints what soundalike finds, with scores, in the wished format."""
    lines = beet("similar", "-n", "3", "title:Song 2")
    scores = [float(line.split("  ")[0]) for line in lines]
    assert scores == sorted(scores, reverse=True)
    assert len(lines) == 3
    assert all("Album" in line for line in lines)
    paths = beet("similar", "-p", "-n", "3", "title:Song 2")
    with Library.open(place / "soundalike") as library:
        seed = next(t for t in library.all_tracks() if t.title == "Song 2" and "music" in t.path)
        near = library.search(str(seed.id), k=10).neighbours
    ours = [n.track.path for n in near if Path(n.track.path).is_relative_to(place / "music")]
    assert paths == ours[:3]
    assert beet("similar", "-f", "$title $soundalike_score", "-n", "1", "title:Song 2")


def test_a_playlist_is_written(beet: Beet, place: Path) -> None:
    """`beet soundlist` prints the items and writes a file that other programs read."""
    target = place / "evening.m3u8"
    words = ("soundlist", "-f", "$path", "-n", "4", "-o", str(target), "title:Song 2")
    paths = beet(*words)
    assert len(paths) == 4
    assert [entry.path for entry in read_playlist(target)] == paths
    assert os.path.basename(paths[0]).endswith("Song 2.flac")  # noqa: PTH119 - a text
    with pytest.raises(UserError, match="--force"):
        beet(*words)
    assert len(beet(*words, "--force")) == 4


def test_mistakes_are_errors_of_beets(beet: Beet) -> None:
    """No query, and a query without items, are told in one line."""
    with pytest.raises(UserError, match="give a query"):
        beet("similar")
    with pytest.raises(UserError, match="no item matches"):
        beet("soundlist", "title:nothing")


def test_old_items_are_analysed_on_request(beet: Beet, place: Path) -> None:
    """`beet soundalike` gives items their fields that were imported without the plugin."""
    lib = BeetsLibrary(str(place / "home" / "beets.db"), str(place / "music"))
    for item in lib.items():
        del item["soundalike_id"]
        item.store()
    lib._close()
    assert beet("ls", "soundalike_id:1..") == []
    assert beet("soundalike")[-1] == f"soundalike: {N_SONGS} items analysed, 0 failed"
    assert len(beet("ls", "soundalike_id:1..")) == N_SONGS


def test_the_namespace_is_shared() -> None:
    """Beets' own plugins can be imported beside this one: there is no `__init__.py` of ours."""
    import beetsplug.fuzzy

    import beetsplug.soundalike

    here = Path(beetsplug.soundalike.__file__).parent
    assert not (here / "__init__.py").exists()
    assert Path(beetsplug.fuzzy.__file__).parent != here


def test_a_moved_item_is_still_found(beet: Beet, place: Path) -> None:
    """After beets has moved its files, the items are found by their ids."""
    before = beet("similar", "-f", "$title", "-n", "5", "title:Song 2")
    (place / "elsewhere").mkdir()
    beet("move", "-d", str(place / "elsewhere"), "title::.")
    assert all("elsewhere" in line for line in beet("ls", "-p"))
    assert beet("similar", "-f", "$title", "-n", "5", "title:Song 2") == before
