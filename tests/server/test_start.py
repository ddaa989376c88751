"""What the server does, and leaves out, before it answers the first requests."""

import subprocess
import sys
from pathlib import Path

from soundalike.server.libraries import Libraries

FIRST_PAGE = """
import sys
import time
from pathlib import Path
from starlette.testclient import TestClient
from soundalike.server.app import create_app
from soundalike.server.libraries import Libraries
from soundalike.server.settings import ServerSettings

warm_up = Libraries._warm_up

def told(libraries):
    print("faiss" in sys.modules)
    warm_up(libraries)

Libraries._warm_up = told
settings = ServerSettings(Path(sys.argv[1]))
with TestClient(create_app(settings), base_url="http://127.0.0.1:8000") as client:
    page = client.get("/api/v1/tracks?limit=5").json()
    print(len(page["tracks"]))
    end = time.monotonic() + 60
    while "faiss" not in sys.modules and time.monotonic() < end:
        time.sleep(0.02)
    print("faiss" in sys.modules)
"""


def test_the_first_page_does_not_wait_for_faiss(served_folder: Path) -> None:
    """A page of tracks is answered without it, and it is loaded afterwards."""
    result = subprocess.run(
        [sys.executable, "-c", FIRST_PAGE, served_folder / "library"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert result.stdout.split() == ["False", "5", "True"]


def test_a_search_after_the_first_page_has_vectors(served_folder: Path) -> None:
    """A reader that was opened without vectors is opened anew for a request that needs them."""
    libraries = Libraries(served_folder / "library", n_readers=1)
    try:
        with libraries.reading_at(with_vectors=False) as (library, _):
            assert len(library.list(limit=5)) == 5
        with libraries.reading() as library:
            assert library.search("1", k=3).neighbours
    finally:
        libraries.close()
