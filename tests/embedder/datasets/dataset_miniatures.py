"""Makers of miniature data sets, one for each layout: the same twelve tracks in every disguise.

Two genres, three artists each, two tracks an artist. Each maker writes below the folder it is given
and returns the path to open.
"""

import csv
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from embedder.audio.writing import write_audio

SAMPLE_RATE = 8000
SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class MiniTrack:
    """A track of the miniature data sets."""

    number: int
    genre: str
    artist: str
    side: str


TRACKS = tuple(
    MiniTrack(
        number=number,
        genre="blues" if number < 6 else "rock",
        artist=f"Artist {number // 2}",
        side=("training", "valid", "test")[number // 2 % 3],
    )
    for number in range(12)
)


def tone(number: int, *, seconds: float = SECONDS) -> NDArray[np.float32]:
    """A quiet tone of its own pitch with a little noise, float32 [1, samples]."""
    time = np.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    noise = np.random.default_rng(number).normal(size=len(time))
    samples = 0.3 * np.sin(2 * np.pi * (200 + 90 * number) * time) + 0.01 * noise
    return samples.astype(np.float32)[None]


def write_tone(path: Path, number: int, *, tags: dict[str, str] | None = None) -> None:
    """Write the tone to a file; the suffix decides the format."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_audio(path, tone(number), SAMPLE_RATE, tags=tags)


def write_rows(path: Path, rows: Sequence[Sequence[object]], *, separator: str = ",") -> None:
    """A table of text."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=separator).writerows(rows)


def folders(root: Path) -> Path:
    """A folder for each label, with the artist in the tags."""
    for track in TRACKS:
        name = f"{track.genre}/song {track.number}.flac"
        write_tone(root / name, track.number, tags={"artist": track.artist})
    return root


def sides_above_labels(root: Path) -> Path:
    """A folder for each side of the split, and in it one for each label."""
    for track in TRACKS:
        name = f"{track.side}/{track.genre}/song {track.number}.flac"
        write_tone(root / name, track.number, tags={"artist": track.artist})
    return root


def sides_below_labels(root: Path) -> Path:
    """A folder for each label, and in it one for each side of the split."""
    for track in TRACKS:
        name = f"{track.genre}/{track.side}/song {track.number}.flac"
        write_tone(root / name, track.number, tags={"artist": track.artist})
    return root


def library(root: Path) -> Path:
    """Artist, album and song as folders; the rest is in the tags."""
    for track in TRACKS:
        tags = {"artist": track.artist, "genre": track.genre, "album": "First"}
        write_tone(root / track.artist / "First" / f"{track.number}.flac", track.number, tags=tags)
    return root


def _manifest_rows(folder: Path) -> list[list[str]]:
    rows = [["path", "genre", "artist", "split", "moods"]]
    for track in TRACKS:
        name = f"audio/{track.number}.flac"
        write_tone(folder / name, track.number)
        rows.append([name, track.genre, track.artist, track.side, "calm;dark"])
    return rows


def manifest_csv(root: Path) -> Path:
    """A table with a column of paths."""
    write_rows(root / "songs.csv", _manifest_rows(root))
    return root / "songs.csv"


def manifest_tsv(root: Path) -> Path:
    """The folder of such a table."""
    write_rows(root / "songs.tsv", _manifest_rows(root), separator="\t")
    return root


def manifest_parquet(root: Path) -> Path:
    """The same as Parquet, with a column of lists."""
    header, *rows = _manifest_rows(root)
    frame = pd.DataFrame(rows, columns=header)
    frame["moods"] = [cell.split(";") for cell in frame["moods"]]
    frame.to_parquet(root / "songs.parquet")
    return root / "songs.parquet"


def gtzan(root: Path) -> Path:
    """Names as in GTZAN, with tracks on all three sides of the stored split."""
    numbers = {"blues": (29, 30, 10, 11, 12, 13), "rock": (16, 17, 38, 49, 10, 11)}
    for track in TRACKS:
        number = numbers[track.genre][track.number % 6]
        name = f"genres/{track.genre}/{track.genre}.{number:05d}.flac"
        write_tone(root / name, track.number, tags={"artist": track.artist})
    return root


def fma(root: Path) -> Path:
    """Six-digit ids, and a table with two rows of headings and a row for the ids."""
    header = ["", "artist", "set", "set", "track", "track", "track"]
    second = ["", "name", "split", "subset", "genre_top", "genres", "title"]
    rows: list[Sequence[object]] = [header, second, ["track_id", *[""] * 6]]
    for track in TRACKS:
        number = 10 * track.number + 2
        write_tone(root / "fma_small" / "000" / f"{number:06d}.mp3", track.number)
        side = {"valid": "validation"}.get(track.side, track.side)
        rows.append([number, track.artist, side, "small", track.genre, "[21, 3]", "A title"])
    rows.append([999, "Somebody", "training", "large", "rock", "[3]", "Not in the small one"])
    write_rows(root / "fma_metadata" / "tracks.csv", rows)
    write_rows(
        root / "fma_metadata" / "genres.csv", [["genre_id", "title"], [21, "Delta"], [3, "Roots"]]
    )
    return root


def magnatagatune(root: Path) -> Path:
    """A 0/1 column for each tag, and clips in folders of one hexadecimal digit."""
    folder = {"training": "0", "valid": "c", "test": "f"}
    rows: list[list[object]] = [["clip_id", "blues", "rock", "never", "mp3_path"]]
    for track in TRACKS:
        name = f"{folder[track.side]}/{track.artist.replace(' ', '_')}-album-{track.number}.mp3"
        write_tone(root / name, track.number)
        tags = [int(track.genre == "blues"), int(track.genre == "rock"), 0]
        rows.append([track.number, *tags, name])
    write_rows(root / "annotations_final.csv", rows, separator="\t")
    return root


def magnatagatune_arrays(root: Path) -> Path:
    """As `magnatagatune`, with an array of samples for each clip in the folder `waveform`."""
    magnatagatune(root)
    for clip in sorted(root.rglob("*.mp3")):
        number = int(clip.stem.rpartition("-")[2])
        array = root / "waveform" / clip.relative_to(root).with_suffix(".npy")
        array.parent.mkdir(parents=True, exist_ok=True)
        np.save(array, tone(number)[0])
        clip.unlink()
    return root


def mtg_jamendo(root: Path) -> Path:
    """A table for each side; the tags continue after the last heading."""
    header = ["TRACK_ID", "ARTIST_ID", "ALBUM_ID", "PATH", "DURATION", "TAGS"]
    for side, name in (("training", "train"), ("valid", "validation"), ("test", "test")):
        rows: list[Sequence[object]] = [header]
        for track in TRACKS:
            if track.side != side:
                continue
            path = f"{track.number:02d}/{track.number}.mp3"
            write_tone(root / "audio" / path, track.number)
            tags = [f"genre---{track.genre}", "mood/theme---calm"]
            rows.append([f"track_{track.number}", track.artist, "album_1", path, SECONDS, *tags])
        write_rows(root / f"autotagging-{name}.tsv", rows, separator="\t")
    return root


def _table_of_arrays(root: Path) -> list[str]:
    rows = [["track", "genre", "subgenres", "artist_group", "split"]]
    rows += [
        [f"{t.number:03d}", t.genre, "['a', 'b']", t.artist, t.side] for t in TRACKS
    ]  # fmt: skip
    write_rows(root / "tracks.csv", rows)
    return [row[0] for row in rows[1:]]


def spectrogram(number: int, *, n_rows: int = 6, n_columns: int = 10) -> NDArray[np.uint8]:
    """A picture of noise, uint8 [rows, columns]."""
    generator = np.random.default_rng(number)
    return generator.integers(0, 256, (n_rows, n_columns), dtype=np.uint8)


def spectrograms(root: Path) -> Path:
    """Spectrograms in another order than the table, with a teacher's vectors."""
    root.mkdir(parents=True, exist_ok=True)
    names = np.array(_table_of_arrays(root))[::-1]
    arrays = np.stack([spectrogram(int(name)) for name in names])
    np.savez(root / "spectrograms.npz", spectrogram=arrays, track=names)
    vectors = np.array([[int(name), 1.0] for name in names], dtype=np.float16)
    np.savez(root / "vggish.npz", vggish=vectors, track=names)
    return root


def waveforms(root: Path) -> Path:
    """Waveforms in an .npz file."""
    root.mkdir(parents=True, exist_ok=True)
    names = _table_of_arrays(root)
    arrays = np.stack([tone(int(name))[0] for name in names])
    np.savez(root / "waveforms.npz", waveform=arrays, track=names, sample_rate=SAMPLE_RATE)
    return root


def single_arrays(root: Path) -> Path:
    """A .npy file for each track."""
    root.mkdir(parents=True, exist_ok=True)
    for name in _table_of_arrays(root):
        np.save(root / f"{name}.npy", spectrogram(int(name)))
    return root


@dataclass(frozen=True, slots=True)
class Miniature:
    """A maker and the facts that its layout contains."""

    make: Callable[[Path], Path]
    layout: str
    genre_field: str = "genre"
    has_split: bool = True
    multi_label: str = ""


MINIATURES = {
    "folders": Miniature(folders, "folders", has_split=False),
    "sides-above-labels": Miniature(sides_above_labels, "folders"),
    "sides-below-labels": Miniature(sides_below_labels, "folders"),
    "library": Miniature(library, "library", has_split=False),
    "manifest-csv": Miniature(manifest_csv, "manifest", multi_label="moods"),
    "manifest-tsv": Miniature(manifest_tsv, "manifest", multi_label="moods"),
    "manifest-parquet": Miniature(manifest_parquet, "manifest", multi_label="moods"),
    "gtzan": Miniature(gtzan, "gtzan"),
    "fma": Miniature(fma, "fma", multi_label="subgenres"),
    "magnatagatune": Miniature(magnatagatune, "magnatagatune", genre_field="tag"),
    "magnatagatune-arrays": Miniature(magnatagatune_arrays, "magnatagatune", genre_field="tag"),
    "mtg-jamendo": Miniature(mtg_jamendo, "mtg-jamendo"),
    "spectrograms": Miniature(spectrograms, "arrays", multi_label="subgenres"),
    "waveforms": Miniature(waveforms, "arrays", multi_label="subgenres"),
    "single-arrays": Miniature(single_arrays, "arrays", multi_label="subgenres"),
}
