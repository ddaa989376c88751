"""A library whose vectors are in S3: a real S3 server on this machine, moto's."""

import logging
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from embedder.errors import StorageError
from index.catalogue.ledger import Ledger
from index.library import Library
from index.library_folder.upkeep import sync_store
from tests.index.vector_library import library_of, unit_vectors

pytestmark = pytest.mark.slow
moto_server = pytest.importorskip("moto.server")


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """An S3 server with the bucket `music`, named by the usual variables."""
    import boto3

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = moto_server.ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    for name, value in (
        ("AWS_ENDPOINT_URL", f"http://{host}:{port}"),
        ("AWS_ACCESS_KEY_ID", "a"),
        ("AWS_SECRET_ACCESS_KEY", "b"),
        ("AWS_REGION", "us-east-1"),
    ):
        monkeypatch.setenv(name, value)
    boto3.client("s3", region_name="us-east-1").create_bucket(Bucket="music")
    yield server
    server.stop()


@pytest.mark.parametrize("kind", ["lance", "lance-sq8"])
def test_a_library_searches_in_s3(server: object, kind: str, tmp_path: Path) -> None:
    """Written, searched, changed and searched again, by another copy of the catalogue as well."""
    vectors = unit_vectors(600)
    library = library_of(tmp_path / "library", vectors)
    library.rebuild_as(f"{kind}:s3://music/{kind}")
    shutil.copytree(library.folder, tmp_path / "other machine")
    with library.writing() as catalogue:
        with catalogue.database.transaction():
            Ledger(catalogue).mark_gone([1])
        sync_store(library, catalogue)
    for folder, first in ((library.folder, 2), (tmp_path / "other machine", 1)):
        with Library.open(folder) as opened:
            assert opened.store.ids()[0] == first
            near = opened.nearest(vectors[5:6], 3)[1]
            assert near[0][0] == 6
            assert opened.verify() == []


def test_a_server_that_is_gone_is_named(server: object, tmp_path: Path) -> None:
    """Out of reach is not damage: the table is not built anew in silence."""
    library = library_of(tmp_path / "library", unit_vectors(30))
    library.rebuild_as("lance:s3://music/vectors")
    server.stop()  # type: ignore[attr-defined]
    with (
        Library.open(library.folder) as opened,
        pytest.raises(StorageError, match=r"s3://music/vectors.*cannot be reached"),
    ):
        len(opened)
    assert (library.folder / "vectors.lance.json").exists()
