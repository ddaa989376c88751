"""`soundalike train` as a function: from a data set's path and settings to a finished run."""

import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from lightning_fabric import Fabric
from numpy.typing import NDArray

from embedder.audio.decoders import Decoder
from embedder.audio.decoding import read_whole
from embedder.config.checking import check_training
from embedder.config.dataset import DatasetConfig
from embedder.config.training import TrainingConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.labels import count_labels
from embedder.datasets.opening import open_configured
from embedder.datasets.splitting import split_configured
from embedder.errors import AudioError, DatasetError
from embedder.features.handcrafted.descriptors import DESCRIPTORS, Descriptor
from embedder.models.loaded import LoadedModel
from embedder.training.cross_validation import cross_validated
from embedder.training.feeding.frozen_vectors import encoder_vectors, vector_cache
from embedder.training.feeding.known_tracks import needs
from embedder.training.feeding.sources import BatchSource, cache_folder, open_source
from embedder.training.folder.record import RunRecord
from embedder.training.folder.run_folder import (
    STATE_NAME,
    TrainingResult,
    prepare_folder,
    remove_unused,
    write_result,
)
from embedder.training.loop.fabric import build_fabric
from embedder.training.loop.memory import memory_explained
from embedder.training.loop.step import Observer
from embedder.training.objectives.targets import standardised
from embedder.training.ranks.ranks import Ranks, together
from embedder.training.report.report import write_report
from embedder.training.run import TrainingRun
from embedder.training.start.inheriting import base_model, config_from, is_imported
from embedder.training.takes import remarks_on_takes
from embedder.training.test_side import with_test_side

_logger = logging.getLogger(__name__)

OnProgress = Callable[[int, int], None]
MakeObservers = Callable[[TrainingRun], Sequence[Observer]]

TAG_OBJECTIVES = ("tagging", "tag-similarity")
DESCRIBED_BY = ("mfcc", "rhythm-patterns")
"""Timbre and beat: the descriptors that `handcrafted` positives share."""
DESCRIBED_RATE = 22050


def train(
    path: Path,
    config: TrainingConfig,
    folder: Path,
    *,
    resume: bool = False,
    force: bool = False,
    make_observers: MakeObservers | None = None,
    on_progress: OnProgress | None = None,
) -> TrainingResult:
    """Train on a data set; the models, their cards and the report are in `folder` afterwards.

    `on_progress` follows the preparation of features; the observers follow the training. If it
    fails before a step was saved, a folder that this call made is removed again.
    """
    check_training(config)
    base = base_model(config.transfer)
    config = config_from(config, base)
    fabric = build_fabric(config.loop)
    ranks = Ranks(fabric)
    with together(ranks):
        was_there = folder.exists()
        if fabric.is_global_zero:
            ranks.first_alone(lambda: prepare_folder(folder, config, resume=resume, force=force))
        else:
            ranks.first_alone(lambda: None)
        try:
            with memory_explained(config, str(fabric.device)):
                run = open_run(
                    path, config, folder, base=base, fabric=fabric, on_progress=on_progress
                )
        except BaseException:
            if fabric.is_global_zero and not was_there:
                remove_unused(folder)
            raise
        if ranks.same(resume and (folder / STATE_NAME).exists()):
            run.loop.resume()  # otherwise it ended before its first step was saved
        observers = list(make_observers(run)) if make_observers else []
        if not fabric.is_global_zero:
            return run.run(observers)
        return _recorded(run, observers, keep_folder=was_there)


def _recorded(
    run: TrainingRun, observers: Sequence[Observer], *, keep_folder: bool
) -> TrainingResult:
    """Train, and write the record, the report and the result."""
    folder = run.folder
    try:
        with (
            RunRecord(folder, run.loop.state) as record,
            memory_explained(run.config, str(run.fabric.device)),
        ):
            result = run.run([record, *observers])
    except Exception:
        if not keep_folder and not (folder / STATE_NAME).exists():
            shutil.rmtree(folder)  # there is nothing in it to resume or to use
        raise
    if result.ended != "interrupted":  # after Ctrl-C the command must end at once
        result = _with_takes(run, with_test_side(run, result))
        write_report(run, result)
    write_result(result)
    return result


def open_run(
    path: Path,
    config: TrainingConfig,
    folder: Path,
    *,
    base: LoadedModel | None = None,
    fabric: Fabric | None = None,
    on_progress: OnProgress | None = None,
) -> TrainingRun:
    """A run that is ready to start. The settings have passed through `config_from`."""
    fabric = fabric or build_fabric(config.loop)

    def read() -> tuple[Dataset, BatchSource]:
        dataset = split_configured(open_configured(path, config.dataset), config.dataset)
        _require_tags(dataset, config)
        device = fabric.device.type
        return dataset, _source(dataset, config, base, device=device, on_progress=on_progress)

    # Rank zero computes features that are not stored yet; the others read them.
    dataset, source = Ranks(fabric).first_alone(read)
    usable = dataset.subset(source.dataset_rows)
    _warn_of_lost_labels(dataset, usable, config.dataset)
    wants_features = needs("handcrafted", config.objectives, config.sampler)
    features = handcrafted_features(usable) if wants_features else None
    return TrainingRun(
        config, usable, source, folder, whole=dataset, features=features, base=base, fabric=fabric
    )


def _with_takes(run: TrainingRun, result: TrainingResult) -> TrainingResult:
    """The result with cross-validation, if features are frozen, and remarks on the takes."""
    config = run.config
    validated = None
    if run.known.label_names:
        validated = cross_validated(run.dataset, run.known, run.start, config, base=run.base)
    return replace(
        result,
        cross_validation=validated.to_json(run.dataset.rows) if validated else {},
        remarks=tuple(remarks_on_takes(run.dataset, config.dataset.label_field)),
    )


def _require_tags(dataset: Dataset, config: TrainingConfig) -> None:
    """Refuse objectives of tags without a tag field; the message names the setting."""
    kinds = [o.kind for o in config.objectives if o.kind in TAG_OBJECTIVES]
    if kinds and not config.dataset.tag_field:
        fields = ", ".join(dataset.label_fields) or "none"
        raise DatasetError(
            f"{kinds[0]} needs tags: name their label field with --set dataset.tag_field=FIELD. "
            f"The label fields of {dataset.root.name}: {fields}."
        )


def _warn_of_lost_labels(dataset: Dataset, usable: Dataset, config: DatasetConfig) -> None:
    """Warn of labels that have too few training tracks because files are broken."""
    if len(usable.rows) == len(dataset.rows) or not config.label_field:
        return
    before, after = (
        count_labels([tracks.rows[row] for row in tracks.positions("train")], config.label_field)
        for tracks in (dataset, usable)
    )
    for label in sorted(before):
        if after[label] < config.min_per_label <= before[label]:
            _logger.warning(
                "%s: %d of %d training tracks can be read, which is too few",
                label,
                after[label],
                before[label],
            )


def _source(
    dataset: Dataset,
    config: TrainingConfig,
    base: LoadedModel | None,
    *,
    device: str,
    on_progress: OnProgress | None,
) -> BatchSource:
    """The inputs of the network: features, audio, or the vectors of an imported encoder."""
    if base is None or not is_imported(base):
        return open_source(dataset, config, on_progress=on_progress)
    max_bytes = int(config.dataset.cache_gigabytes * 1e9)
    return encoder_vectors(
        dataset,
        base,
        cache=vector_cache(cache_folder(config), base, max_bytes=max_bytes) if max_bytes else None,
        workers=config.loop.workers or None,
        device=device,
        on_progress=on_progress,
    )


def handcrafted_features(dataset: Dataset) -> NDArray[np.float32]:
    """Timbre and beat of every track, standardised: float32 [tracks, d]; NaN if unreadable."""
    if dataset.store is not None and dataset.store.kind != "waveforms":
        raise DatasetError(
            f"{dataset.root.name}: handcrafted positives need audio, and it has spectrograms"
        )
    with Decoder() as decoder:
        tables = [_table(dataset, DESCRIPTORS[name], decoder) for name in DESCRIBED_BY]
    # Each descriptor has the same weight, however many numbers it has.
    scaled = [standardised(table) / np.sqrt(table.shape[1]) for table in tables]
    return np.concatenate(scaled, axis=1).astype(np.float32)


def _table(dataset: Dataset, descriptor: Descriptor, decoder: Decoder) -> NDArray[np.float32]:
    """One row a track; NaN if it cannot be read."""
    described: list[NDArray[np.float32] | None] = []
    for position in range(len(dataset.rows)):
        try:
            samples, sample_rate = _samples(dataset, position, decoder)
        except AudioError:
            described.append(None)
        else:
            described.append(descriptor.describe(samples, sample_rate))
    unknown = np.full(descriptor.size, np.nan, dtype=np.float32)
    return np.stack([unknown if values is None else values for values in described])


def _samples(dataset: Dataset, position: int, decoder: Decoder) -> tuple[NDArray[np.float32], int]:
    """The whole track, float32 [samples], and its rate."""
    path = dataset.rows[position].path
    if path is not None:
        waveform = decoder.run(path, read_whole, path, sample_rate=DESCRIBED_RATE)
        return waveform.samples, waveform.sample_rate
    stored_rate = dataset.store.sample_rate if dataset.store is not None else 0
    return dataset.array(position).astype(np.float32), stored_rate or DESCRIBED_RATE
