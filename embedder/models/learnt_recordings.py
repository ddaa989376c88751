"""Which recordings a model was trained on, so that an evaluation can leave them out.

    FOLDER/learnt.bin   the first eight bytes of each recording's audio digest, sorted

Tags, names and folders of the files do not matter. A model trained on arrays has no such file.
"""

from collections.abc import Iterable
from pathlib import Path

from embedder.whole_files import write_whole

LEARNT_NAME = "learnt.bin"
KEY_BYTES = 8

Keys = frozenset[bytes]


def write_learnt(folder: Path, keys: Keys) -> None:
    """Write the keys beside the model's card; without keys, remove the file."""
    path = folder / LEARNT_NAME
    if keys:
        write_whole(path, b"".join(sorted(keys)))
    else:
        path.unlink(missing_ok=True)


def read_learnt(folder: Path) -> Keys:
    """The keys that `write_learnt` wrote; none if there is no such file."""
    try:
        content = (folder / LEARNT_NAME).read_bytes()
    except OSError:
        return frozenset()
    return keys_of(
        content[start : start + KEY_BYTES] for start in range(0, len(content), KEY_BYTES)
    )


def keys_of(audio_digests: Iterable[bytes]) -> Keys:
    """The keys of audio digests: their first bytes."""
    return frozenset(digest[:KEY_BYTES] for digest in audio_digests)
