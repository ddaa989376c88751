"""A PyAV that crashes or hangs where a file's name says so, in every Python process of a run.

A file of any name crashes it as long as there is another one with `.deadly` added to the name.
"""

from pathlib import Path

SITE = """
import ctypes
import os
import pathlib
import time

import av

open_file = av.open


def deadly_open(file, *arguments, **settings):
    name = pathlib.PurePath(str(file)).name
    if name.startswith("segv") or os.path.exists(f"{str(file).removeprefix('file:')}.deadly"):
        ctypes.string_at(0)
    if name.startswith("hang"):
        time.sleep(600)
    return open_file(file, *arguments, **settings)


av.open = deadly_open
"""


def deadly_site(folder: Path) -> Path:
    """A folder that makes FFmpeg deadly in every process with it in PYTHONPATH."""
    folder.mkdir()
    (folder / "sitecustomize.py").write_text(SITE)
    return folder
