"""What the student of the bundled model learns from, and how its vectors are whitened."""

from pathlib import Path

import numpy as np

from benchmarks.default_model.combine import whitening
from benchmarks.default_model.student import CONFIG, THINNING
from benchmarks.default_model.teach import PATCH_SAMPLES, files_of, levels_of, mel_power
from embedder.features.arrays.building import build_array_front_end
from embedder.models.kinds.musicnn_file import SAMPLE_RATE


def test_the_student_is_taught_what_its_front_end_shows() -> None:
    """The same frames, up to the loudest one, which may lie between those of the front end."""
    sound = np.random.default_rng(0).normal(0, 0.1, PATCH_SAMPLES).astype(np.float32)
    sound *= np.linspace(0.1, 1, PATCH_SAMPLES, dtype=np.float32)
    taught = levels_of(mel_power(sound)[None])[0, :, 1::THINNING]
    (shown,) = build_array_front_end(CONFIG.front_end)(sound[None], SAMPLE_RATE)
    differences = shown[:, 1:93] - taught[:, :92]
    assert np.abs(differences).max() < 0.01
    assert differences.std() < 1e-4


def test_levels_do_not_depend_on_the_loudness() -> None:
    """A patch 12 dB quieter is the same input."""
    powers = np.random.default_rng(0).uniform(1e-4, 1, (2, 96, 10)).astype(np.float32)
    np.testing.assert_allclose(levels_of(powers / 16), levels_of(powers), atol=1e-6)


def test_held_out_files_are_not_taught(tmp_path: Path) -> None:
    """The table counts for the folder of its name alone."""
    for name in ("moods", "other"):
        (tmp_path / name).mkdir()
        for file in ("a.mp3", "b.mp3", "c.mp3"):
            (tmp_path / name / file).touch()
    labels = tmp_path / "labels" / "moods" / "tracks.csv"
    labels.parent.mkdir(parents=True)
    labels.write_text("path,split\na.mp3,train\nb.mp3,validation\n")
    assert [path.name for path in files_of(tmp_path / "moods", labels)] == ["a.mp3"]
    assert len(files_of(tmp_path / "other", labels)) == 3


def test_what_varies_within_recordings_counts_little() -> None:
    """Two numbers differ as much between files; the first also differs within each file."""
    random = np.random.default_rng(0)
    outputs = [
        random.normal(0, 1, 2) + random.normal(0, 1, (6, 2)) * [1.0, 0.1] for _ in range(200)
    ]
    mean, directions = whitening(outputs, 2)
    np.testing.assert_allclose(mean, np.mean(outputs, axis=(0, 1)))
    lengths = np.linalg.norm(directions, axis=0)
    assert lengths[1] > 4 * lengths[0]
