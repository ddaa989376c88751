"""A library of small real files with a small real model, and a client of its server."""

import io
from collections.abc import Iterator
from pathlib import Path

import pytest

pytest.importorskip("fastapi", reason="the extra 'serve' is not installed")

from mutagen.flac import FLAC, Picture
from PIL import Image
from starlette.testclient import TestClient

from embedder.config.presets import MODELS
from embedder.models.kinds.network import save_model
from embedder.networks.network import seeded_network
from index.labels.files.tag_writing import write_field
from index.library import Library
from soundalike.server.app import create_app
from soundalike.server.gate import PAGE_TOKEN_HEADER
from soundalike.server.settings import ServerSettings
from tests.cli.songs import write_song

BASE = "http://127.0.0.1:8000"
N_SONGS = 12
ODD_TITLE = "<script>alert(1)</script>\x1b]0;x\x07 \u202egnol"
COVERED = 6
"""The id of the song with a picture, 300 pixels wide and 200 high."""
TITLES = {0: ODD_TITLE, 7: "Zebra crossing"}


@pytest.fixture(scope="session")
def served_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`music` with tagged songs, and `library` of them."""
    return write_served(tmp_path_factory.mktemp("served"))


def write_served(place: Path, *, n_songs: int = N_SONGS, seconds: float = 4.0) -> Path:
    """The folder `music` with tagged songs, and `library` of them."""
    model = place / "model"
    save_model(model, seeded_network(MODELS["tiny"], seed=1), name="tiny")
    for number in range(n_songs):
        path = place / "music" / f"{number:02d}.flac"
        write_song(path, number, seconds=seconds)
        write_field(path, "title", [TITLES.get(number, f"Song {number}")])
        write_field(path, "artist", [f"Artist {number % 4}"])
        write_field(path, "genre", ["jazz" if number % 2 else "rock"])
    _add_cover(place / "music" / f"{COVERED - 1:02d}.flac")
    with Library.open_or_create(place / "library") as library:
        library.index([place / "music"], model=str(model))
    return place


def _add_cover(path: Path) -> None:
    target = io.BytesIO()
    Image.new("RGB", (300, 200), "teal").save(target, "PNG")
    picture = Picture()
    picture.data, picture.type, picture.mime = target.getvalue(), 3, "image/png"
    file = FLAC(path)
    file.add_picture(picture)
    file.save()


@pytest.fixture
def settings(served_folder: Path) -> ServerSettings:
    """The usual settings: this machine alone."""
    return ServerSettings(served_folder / "library")


@pytest.fixture
def client(settings: ServerSettings) -> Iterator[TestClient]:
    """A client on this machine that knows the page's token."""
    with client_of(settings) as client:
        client.headers[PAGE_TOKEN_HEADER] = settings.page_token
        yield client


def client_of(settings: ServerSettings, *, base: str = BASE) -> TestClient:
    """A client that knows no token."""
    return TestClient(create_app(settings), base_url=base, raise_server_exceptions=False)
