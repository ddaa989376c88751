"""Save the features of tracks as pictures or arrays, a file for each track.

A track that cannot be read becomes a record with its reason, and the other tracks go on. Tracks are
decoded in a child process. Existing files are replaced only with `force`, and files are always
whole.
"""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray

from embedder.audio.decoders import Decoder
from embedder.audio.decoding import read_stretch
from embedder.audio.records import Waveform
from embedder.config.model import FrontEndConfig
from embedder.errors import AudioError, OutputExists, UsageError, printable_path
from embedder.features.axes import column_edges_seconds, row_edges_hz
from embedder.features.building import build_front_end
from embedder.features.front_end import FrontEnd
from embedder.whole_files import check_output_folder, write_whole

Form = Literal["picture", "arrays"]
SUFFIXES: dict[Form, str] = {"picture": ".png", "arrays": ".npz"}


@dataclass(frozen=True, slots=True)
class SavedFeatures:
    """The file that was written for one track."""

    path: Path
    """The track."""
    file: Path
    rows: int
    columns: int
    sample_rate: int
    start_seconds: float
    seconds: float


@dataclass(frozen=True, slots=True)
class FeaturesFailure:
    """A track that could not be read, and why."""

    path: Path
    reason: str


def save_features(
    tracks: Iterable[Path | str],
    folder: Path,
    *,
    config: FrontEndConfig,
    form: Form = "picture",
    start_seconds: float = 0.0,
    seconds: float = 30.0,
    force: bool = False,
) -> Iterator[SavedFeatures | FeaturesFailure]:
    """Save each track's features in `folder`, and yield a record when each is done.

    Arrays are an .npz with `levels` [rows, columns] before normalisation, `seconds` [columns + 1]
    (the columns' edges), `hertz` [rows + 1] (empty if rows have no frequency) and `sample_rate`.
    """
    if not start_seconds >= 0 or not seconds > 0:
        raise UsageError(
            f"start {start_seconds:g} s, length {seconds:g} s: start at 0 or later, "
            "and give a length of more than 0"
        )
    sources = [Path(track) for track in tracks]
    files = output_files(sources, folder, suffix=SUFFIXES[form])
    existing = [file for file in files if file.exists()]
    if existing and not force:
        raise OutputExists(existing[0])
    check_output_folder(folder)
    front_end = build_front_end(config).eval()
    folder.mkdir(parents=True, exist_ok=True)
    with Decoder() as decoder:
        for source, file in zip(sources, files, strict=True):
            try:
                audio = decoder.run(
                    source,
                    read_stretch,
                    source,
                    start_seconds=start_seconds,
                    seconds=seconds,
                    sample_rate=config.sample_rate,
                )
            except AudioError as error:
                yield FeaturesFailure(source, error.reason)
                continue
            with torch.inference_mode():
                batch = torch.from_numpy(audio.samples)[None]
                levels = front_end.levels(batch, audio.sample_rate)[0].numpy()
            contents = _contents(front_end, levels, audio, form, start_seconds, source)
            write_whole(file, contents)
            yield SavedFeatures(
                path=source,
                file=file,
                rows=levels.shape[0],
                columns=levels.shape[1],
                sample_rate=audio.sample_rate,
                start_seconds=start_seconds,
                seconds=audio.duration_seconds,
            )


def output_files(sources: Sequence[Path], folder: Path, *, suffix: str) -> list[Path]:
    """A file for each track, named after it; tracks with the same name get numbers from 2 on."""
    used_names: set[str] = set()
    files = []
    for source in sources:
        stem, number = source.stem or "track", 1
        name = stem
        while name.casefold() in used_names:  # a Mac ignores case
            number += 1
            name = f"{stem}-{number}"
        used_names.add(name.casefold())
        files.append(folder / f"{name}{suffix}")
    return files


def _contents(
    front_end: FrontEnd,
    levels: NDArray[np.float32],
    audio: Waveform,
    form: Form,
    start_seconds: float,
    source: Path,
) -> bytes:
    """The bytes of the file."""
    if form == "picture":
        from embedder.features.drawing import draw_png  # loads matplotlib

        return draw_png(
            levels,
            front_end.config,
            sample_rate=audio.sample_rate,
            n_samples=len(audio.samples),
            start_seconds=start_seconds,
            title=printable_path(source.name),
        )
    edges = column_edges_seconds(
        front_end.config,
        n_columns=levels.shape[1],
        sample_rate=audio.sample_rate,
        n_samples=len(audio.samples),
    )
    hertz = row_edges_hz(front_end.config, audio.sample_rate)
    canvas = io.BytesIO()
    np.savez_compressed(
        canvas,
        levels=levels,
        seconds=start_seconds + edges,
        hertz=np.empty(0) if hertz is None else hertz,
        sample_rate=np.int64(audio.sample_rate),
    )
    return canvas.getvalue()
