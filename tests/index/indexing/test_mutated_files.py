"""Damaged bytes anywhere in a file end in a reason, never in another error."""

from pathlib import Path

import mutagen
import numpy as np
import pytest

from embedder.audio.decoding import read_stretches
from embedder.audio.digest import audio_digest
from embedder.audio.writing import write_audio
from embedder.errors import AudioError
from index.indexing.tags import read_tags

NOISE = (0.1 * np.random.default_rng(0).standard_normal(48_000)).astype(np.float32)


@pytest.mark.slow
@pytest.mark.parametrize("suffix", [".flac", ".mp3", ".ogg", ".opus", ".m4a", ".wav"])
def test_a_mutated_file_is_read_or_refused(suffix: str, tmp_path: Path) -> None:
    """Tags, digest and audio of 200 damaged copies are read, or refused with an AudioError."""
    path, mutant = tmp_path / f"song{suffix}", tmp_path / f"mutant{suffix}"
    write_audio(path, NOISE, 48_000)
    file = mutagen.File(path)
    if suffix == ".m4a":
        file["\xa9nam"] = "title"
    elif suffix in (".flac", ".ogg", ".opus"):
        file["title"] = "title"
    file.save()
    whole = path.read_bytes()
    generator = np.random.default_rng(1)
    for _ in range(200):
        damaged = bytearray(whole)
        reach = min(len(whole), int(generator.choice([200, 3000, len(whole)])))
        for place in generator.integers(0, reach, int(generator.choice([1, 4, 30]))):
            damaged[place] = int(generator.integers(256))
        n_kept = int(generator.integers(len(whole))) if generator.random() < 0.2 else len(whole)
        mutant.write_bytes(damaged[:n_kept])
        read_tags(mutant)
        try:
            audio_digest(mutant)
            read_stretches(mutant, lambda _: [0.0], seconds=0.5)
        except AudioError as error:
            assert error.reason
