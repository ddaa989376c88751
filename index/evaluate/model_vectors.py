"""A model's vectors of a data set: arrays go straight into the network, audio into the encoder."""

from collections.abc import Callable

import numpy as np
import torch
from torch import nn

from embedder.datasets.dataset import Dataset
from embedder.datasets.preparing import prepare_dataset
from embedder.datasets.records import LeftOut
from embedder.encoding.devices import choose_device
from embedder.encoding.encoder import TrackEncoder
from embedder.encoding.requests import EncodingFailure, TrackRequest
from embedder.errors import DatasetError
from embedder.features.front_end import FrontEnd
from embedder.features.measuring.fingerprint import NAME as FINGERPRINT
from embedder.models.loaded import LoadedModel
from embedder.models.own_heads import heads_by_field
from embedder.models.parts import part_for_rows
from embedder.models.registry import load_model
from embedder.networks.fusion import fused_for_inference
from embedder.networks.network import EmbeddingNetwork
from embedder.training.validation import encode_excerpts, track_means
from index.evaluate.copies import SoundPrint, print_in
from index.evaluate.head import answers_of
from index.evaluate.vector_set import VectorSet

OnProgress = Callable[[int, int], None]
TRACKS_AT_ONCE = 256


def model_vectors(
    dataset: Dataset,
    name: str,
    *,
    device: str = "auto",
    workers: int = 1,
    on_progress: OnProgress | None = None,
) -> VectorSet:
    """name: a model's name or the path of its folder."""
    model = load_model(name)
    if dataset.store is None:
        return _of_audio(dataset, model, name, device, workers, on_progress)
    return _of_arrays(dataset, model, name, device, workers, on_progress)


def _of_audio(
    dataset: Dataset,
    model: LoadedModel,
    name: str,
    device: str,
    workers: int,
    on_progress: OnProgress | None,
) -> VectorSet:
    encoder = TrackEncoder(model, device=device)
    with_path = [i for i, row in enumerate(dataset.rows) if row.path is not None]
    failed = [
        LeftOut(row.key, "a part of a file: only its stored vector can be measured")
        for row in dataset.rows
        if row.path is None
    ]
    requests = [
        TrackRequest(path, measurers=(FINGERPRINT,))
        for i in with_path
        if (path := dataset.rows[i].path) is not None
    ]
    prints: dict[int, SoundPrint] = {}
    positions, vectors, excerpts = [], [], []
    heads = heads_by_field(model.folder, model.card)
    results = encoder.encode_many(requests, workers=workers)
    for n_done, (position, result) in enumerate(zip(with_path, results, strict=True), start=1):
        if isinstance(result, EncodingFailure):
            failed.append(LeftOut(result.path, result.reason))
        else:
            positions.append(position)
            vectors.append(result.vector)
            excerpts += [result.excerpt_vectors] if heads else []
            sound_print = print_in(result.measured, result.duration_seconds)
            prints |= {position: sound_print} if sound_print is not None else {}
        if on_progress is not None:
            on_progress(n_done, len(with_path))
    return VectorSet(
        name,
        "model",
        np.stack(vectors) if vectors else np.zeros((0, model.embedding_size), dtype=np.float32),
        np.array(positions, dtype=np.int64),
        model.geometry,
        fingerprint=model.fingerprint,
        model_folder=model.folder,
        failed=tuple(failed),
        heads=answers_of(heads, excerpts),
        prints=prints,
    )


def _of_arrays(
    dataset: Dataset,
    model: LoadedModel,
    name: str,
    device: str,
    workers: int,
    on_progress: OnProgress | None,
) -> VectorSet:
    note = ""
    if model.kind == "combined":
        model, note = _part_for(dataset, model, name)
    if not isinstance(model.network, nn.Module) or not isinstance(model.front_end, FrontEnd):
        raise DatasetError(
            f"{dataset.root.name}: it holds arrays, and the imported model {name} takes only "
            "audio. Evaluate it on a folder of audio files."
        )
    store = dataset.store
    if store is not None and store.kind == "spectrograms":
        n_rows = store.shape[0]
        if n_rows != model.front_end.n_rows:
            raise DatasetError(
                f"{dataset.root.name}: its spectrograms have {n_rows} rows, and the model {name} "
                f"takes {model.front_end.n_rows}. Give a model that was trained on spectrograms "
                "of this size, or a baseline."
            )
    network = model.network
    if isinstance(network, EmbeddingNetwork):
        network = fused_for_inference(network)
    target = torch.device(choose_device(device) if model.runs_on_devices else "cpu")
    network, front_end = network.to(target), model.front_end.to(target)
    source = prepare_dataset(dataset, model.config, workers=workers)
    parts, by_track = [], []
    heads = heads_by_field(model.folder, model.card)
    for start in range(0, len(source), TRACKS_AT_ONCE):
        rows = np.arange(start, min(start + TRACKS_AT_ONCE, len(source)))
        owners, outputs = encode_excerpts(source, rows, network, front_end, device=target)
        parts.append(track_means(owners, outputs, rows, geometry=model.geometry))
        if heads:
            by_track += np.split(outputs.numpy(), np.flatnonzero(np.diff(owners)) + 1)
        if on_progress is not None:
            on_progress(int(rows[-1]) + 1, len(source))
    return VectorSet(
        name,
        "model",
        np.concatenate(parts).astype(np.float32),
        source.dataset_rows,
        model.geometry,
        fingerprint=model.fingerprint,
        model_folder=model.folder,
        failed=tuple(source.failures),
        heads=answers_of(heads, by_track),
        note=note,
    )


def _part_for(dataset: Dataset, model: LoadedModel, name: str) -> tuple[LoadedModel, str]:
    """The part of a combined model that reads the data set's spectrograms, and a note."""
    store = dataset.store
    n_rows = store.shape[0] if store is not None and store.kind == "spectrograms" else 0
    part = part_for_rows(model, n_rows) if n_rows else None
    if part is None:
        return model, ""
    return part, (
        f"{dataset.root.name} holds spectrograms, which only one part of {name} reads "
        f"({part.name}): the vectors are those of this part"
    )
