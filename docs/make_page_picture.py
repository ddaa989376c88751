"""Make the picture of the page from the demo's music: `python docs/make_page_picture.py FOLDER`.

It needs a Chromium. The picture shows what a user sees: a song, what sounds like it, and why.
"""

import sys
import threading
from pathlib import Path

import uvicorn

from embedder.datasets.synthesis.folder import write_music_folder
from embedder.encoding.encoder import TrackEncoder
from index.library import Library
from soundalike.server.app import create_app
from soundalike.server.serve import listening
from soundalike.server.settings import ServerSettings
from tests.index.browser import Browser

PICTURE = Path(__file__).parent / "pictures" / "page.png"
SIZE = (1200, 760)
SONG = 30


def main(folder: Path) -> None:
    """Make the music, the library and the picture."""
    write_music_folder(folder / "music", seconds=15.0)
    with Library.open_or_create(folder / "library") as library:
        library.index([folder / "music"], encoder=TrackEncoder.load("default"))
    settings = ServerSettings(folder / "library", port=0)
    with listening(settings) as listener:
        server = uvicorn.Server(uvicorn.Config(create_app(settings), log_level="error"))
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        address = f"http://127.0.0.1:{listener.getsockname()[1]}/#/songs/{SONG}"
        with Browser(folder / "profile", width=SIZE[0], height=SIZE[1]) as browser:
            browser.open(address, ready="document.querySelector('#why')")
            browser.run("document.querySelector('#why').click()")
            browser.wait_for("document.querySelector('.why:not([hidden])')")
            PICTURE.write_bytes(browser.screenshot())
        server.should_exit = True
        thread.join()
    print(f"{PICTURE.name}: {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
