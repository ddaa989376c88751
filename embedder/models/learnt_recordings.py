"""Which recordings a model has learnt from, so that nobody praises it for knowing them.

    FOLDER/learnt.bin   the first eight bytes of each recording's audio digest, sorted

Tags, names and places of the files do not matter. Models of arrays have no such file.
"""

from collections.abc import Iterable
from pathlib import Path

from embedder.whole_files import write_whole

LEARNT_NAME = "learnt.bin"
KEY_BYTES = 8

Keys = frozenset[bytes]


def write_learnt(folder: Path, keys: Keys) -> None:
    """Put them beside the model's card; without any, there is no file."""
    path = folder / LEARNT_NAME
    if keys:
        write_whole(path, b"".join(sorted(keys)))
    else:
        path.unlink(missing_ok=True)


def read_learnt(folder: Path) -> Keys:
    """What `write_learnt` wrote; nothing where no such file can be read."""
    try:
        content = (folder / LEARNT_NAME).read_bytes()
    except OSError:
        return frozenset()
    return keys_of(content[at : at + KEY_BYTES] for at in range(0, len(content), KEY_BYTES))


def keys_of(audio_digests: Iterable[bytes]) -> Keys:
    """What is kept of audio digests."""
    return frozenset(digest[:KEY_BYTES] for digest in audio_digests)
