"""The report's section on cross-validation: figures, confusion, and wrong tracks to play."""

import base64
import html
from pathlib import Path

import numpy as np

from embedder.datasets.dataset import Dataset
from embedder.training.folder.run_folder import TrainingResult
from embedder.training.report.confusion import MAX_SHOWN_LABELS, confusion_table
from embedder.training.report.page import table

MAX_PLAYERS = 24
MAX_PLAYED_BYTES = 600_000
"""The page holds the sound itself, so that it can be moved: longer files are named only."""
_TYPES = {
    ".wav": "audio/wav",
    ".flac": "audio/flac",
    ".mp3": "audio/mpeg",
    ".ogg": "audio/ogg",
    ".opus": "audio/ogg",
    ".m4a": "audio/mp4",
}
APART = {
    "session": "No session is on both sides",
    "artist": "No artist is on both sides",
    "album": "No album is on both sides",
    "track": "Takes are held out one by one, as neither sessions nor artists are known to be "
    "several",
}


def cross_validation_section(result: TrainingResult, dataset: Dataset) -> str:
    """HTML; empty if the run was not cross-validated."""
    facts = result.cross_validation
    if not facts:
        return ""
    n_tracks, wrong = facts["n_tracks"], facts["wrong"]
    summary = (
        f"<p><b>{facts['accuracy']:.1%}</b>: {n_tracks - len(wrong)} of {n_tracks} tracks are "
        f"right. Each was held out once, in {facts['n_folds']} folds. {APART[facts['apart_by']]}. "
        "The head of each fold learnt from the other folds alone.</p>"
    )
    names = facts["labels"]
    shown = ""
    if len(names) <= MAX_SHOWN_LABELS:
        shown = confusion_table(names, np.asarray(facts["confusion"]))
    return summary + shown + _wrong(facts, dataset)


def _wrong(facts: dict[str, object], dataset: Dataset) -> str:
    wrong = facts["wrong"]
    assert isinstance(wrong, list)  # noqa: S101  # what CrossValidated.to_json writes
    if not wrong:
        return "<p>No track is wrong.</p>"
    paths = {row.key: row.path for row in dataset.rows}
    rows = [
        [
            f"<th>{html.escape(track['track'])}</th>",
            f"<td>{html.escape(track['label'])}</td>",
            f'<td class="wrong">{html.escape(track["answer"])} {track["probability"]:.2f}</td>',
            f"<td>{_player(paths.get(track['track']))}</td>",
        ]
        for track in wrong[:MAX_PLAYERS]
    ]
    more = f"<p>and {len(wrong) - MAX_PLAYERS} more</p>" if len(wrong) > MAX_PLAYERS else ""
    return table(["wrong tracks", "label", "answer", ""], rows) + more


def _player(path: Path | None) -> str:
    """A player that holds the file; empty for long ones and for those that are gone."""
    kind = _TYPES.get(path.suffix.lower()) if path is not None else None
    if path is None or kind is None:
        return ""
    try:
        if path.stat().st_size > MAX_PLAYED_BYTES:
            return ""
        content = path.read_bytes()
    except OSError:
        return ""
    data = base64.b64encode(content).decode()
    return f'<audio controls preload="none" src="data:{kind};base64,{data}"></audio>'
