"""Energy and tempo: what is loud is louder, what beats twice a second has 120 beats a minute."""

from pathlib import Path

import numpy as np
import pytest

from embedder.audio.writing import write_audio
from index.library import Library
from index.playlists.request import Arc, PlaylistRequest
from index.playlists.ways.measures import SAMPLE_RATE, energy_of, measure, tempo_of
from tests.index.playlists.playlist_library import Song, write_library


def clicks(bpm: float, *, seconds: float = 8.0, loudness: float = 0.5) -> np.ndarray:
    """Short decaying tones on every beat."""
    times = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    since = times % (60 / bpm)
    tones = loudness * np.exp(-30 * since) * np.sin(2 * np.pi * 440 * times)
    return tones.astype(np.float32)


@pytest.mark.parametrize("bpm", [70, 96, 120, 150])
def test_a_beat_is_counted(bpm: float) -> None:
    """Within two in a hundred, or an octave of it, as people disagree by too."""
    tempo = tempo_of(clicks(bpm))
    assert tempo is not None
    assert min(abs(tempo / bpm - octave) for octave in (0.5, 1, 2)) < 0.02


def test_what_has_no_beat_has_no_tempo() -> None:
    """Silence, a steady tone's middle and a snippet too short."""
    assert tempo_of(np.zeros(8 * SAMPLE_RATE, dtype=np.float32)) is None
    assert tempo_of(clicks(120, seconds=1.0)) is None


def test_energy_grows_with_loudness() -> None:
    """From 0 for silence to 1 for full scale, never outside."""
    levels = [energy_of(clicks(120, loudness=loud)) for loud in (0.0, 0.01, 0.1, 1.0)]
    assert levels == sorted(levels)
    assert levels[0] == 0
    assert energy_of(np.ones(100, dtype=np.float32)) == 1


def test_what_cannot_be_heard_has_no_measures(tmp_path: Path) -> None:
    """A file that is gone or broken is left out, not an error."""
    assert measure(tmp_path / "gone.wav") == {}
    (tmp_path / "broken.mp3").write_bytes(b"no music")
    assert measure(tmp_path / "broken.mp3") == {}


def test_an_arc_measures_once_and_keeps_it(tmp_path: Path) -> None:
    """Energy rises over the list; the second run uses the stored values, without the files."""
    songs = []
    for number in range(8):
        path = tmp_path / f"{number}.wav"
        samples = clicks(120, loudness=0.02 * 1.6**number, seconds=3.0)
        write_audio(path, samples[None], SAMPLE_RATE)
        songs.append(Song(f"Song {number}", artist=f"Artist {number}", path=str(path)))
    vectors = np.random.default_rng(0).standard_normal((8, 4)).astype(np.float32)
    request = PlaylistRequest(where="id<9", arc=Arc("energy", "rise"), length=6, seed=1)
    with write_library(tmp_path / "library", songs, vectors) as library:
        first = library.playlist(request)
    energies = [place.value for place in first.tracks if place.value is not None]
    assert len(energies) == 6
    assert energies == sorted(energies)
    for number in range(8):
        (tmp_path / f"{number}.wav").unlink()
    with Library.open(tmp_path / "library") as library:
        second = library.playlist(request)
        stored = library.catalogue.field_values("energy")
    assert [place.track.id for place in second.tracks] == [place.track.id for place in first.tracks]
    assert len(stored) == 8
