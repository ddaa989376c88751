"""Make the README's pictures from the demo's music: a terminal with real output, and the map.

    python docs/make_pictures.py [FOLDER]

The music and the library are written into FOLDER (default: soundalike-demo, as for `soundalike
demo`).
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from io import StringIO
from pathlib import Path

from rich.console import Console
from rich.text import Text

from embedder.datasets.synthesis.folder import SongFile, write_music_folder
from embedder.encoding.encoder import TrackEncoder
from index.library import Library

PICTURES = Path(__file__).parent / "pictures"
WEB_FONT = re.compile(r"@font-face \{.*?\}\s*", flags=re.DOTALL)
LIBRARY = "library-of-the-picture"
LARGEST_BYTES = 300_000


def main(folder: Path) -> None:
    """Make the music, the library and the two pictures."""
    songs = write_music_folder(folder / "music", seconds=15.0)
    PICTURES.mkdir(exist_ok=True)
    with Library.open_or_create(folder / "library") as library:
        library.index([folder / "music"], encoder=TrackEncoder.load("default"))
        library.draw_map(PICTURES / "map.png", colour="genre", force=True)
    (PICTURES / "terminal.svg").write_text(_terminal(folder, songs), encoding="utf-8")
    for picture in PICTURES.iterdir():
        size = picture.stat().st_size
        print(f"{picture.name}: {size:,} bytes")
        if size >= LARGEST_BYTES:
            raise SystemExit(f"{picture} is too large for a README")


def _terminal(folder: Path, songs: list[SongFile]) -> str:
    """Some commands with their real output, as SVG."""
    song = next(song for song in songs if song.genre == "chiptune").path.relative_to(folder)
    shutil.rmtree(folder / LIBRARY, ignore_errors=True)
    commands = [
        "soundalike index music",
        f"soundalike query {shlex.quote(str(song))} -k 5 --per-artist 2",
        f"soundalike label {shlex.quote(str(song))} | head -4",
    ]
    shown = Text()
    for command in commands:
        shown.append("$ ", style="bold green")
        shown.append(f"{command}\n", style="bold")
        shown.append(_output_of(command, folder) + "\n")
    width = max(len(line) for line in shown.plain.splitlines()) + 1
    console = Console(record=True, width=width, file=StringIO(), force_terminal=True)
    console.print(shown, highlight=False)
    # Leave out the font that a browser would fetch.
    return WEB_FONT.sub("", console.export_svg(title="soundalike"))


def _output_of(command: str, folder: Path) -> str:
    """The output of a shell line in the demo's folder."""
    scripts = str(Path(sys.executable).parent)
    completed = subprocess.run(
        ["/bin/sh", "-c", command],
        cwd=folder,
        env=os.environ
        | {
            "SOUNDALIKE_LIBRARY": LIBRARY,
            "PATH": f"{scripts}{os.pathsep}{os.environ['PATH']}",
        },
        capture_output=True,
        check=True,
    )
    return completed.stdout.decode()


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else "soundalike-demo"))
