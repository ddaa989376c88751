"""Measure training examples per second against what the machine can do at most.

    python benchmarks/training_throughput.py [--rounds 3] [--threads 2] [--part cached|streamed]

cached    the whole loop on cached features, with sampling, crops, augmentation and doctor, against
          bare forward, loss, backward and optimiser steps on one batch in memory, with the same
          model. The two take turns. It fails below 0.9.
streamed  the whole loop on MP3 files without a cache, against only decoding the same crops, both
          with two threads. It fails below 0.8.
"""

import argparse
import dataclasses
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from embedder.audio.excerpts import load_excerpts
from embedder.config.batches import AugmentationConfig, SamplerConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.config.objectives import ObjectiveConfig
from embedder.config.training import LoopConfig, TrainingConfig
from embedder.datasets.synthesis.folder import write_music_folder
from embedder.encoding.threads import map_in_threads
from embedder.training.loop.step import known_fields, step_generator
from embedder.training.run import TrainingRun
from embedder.training.train import open_run

LOWEST = {"cached": 0.9, "streamed": 0.8}
BARE_STEPS = 12


def cached_config(rounds: int) -> TrainingConfig:
    """A medium network on 128 x 128 pictures, with the usual augmentation."""
    return TrainingConfig(
        model=ModelConfig(
            front_end=FrontEndConfig(n_columns=128, sample_rate=0),
            backbone=BackboneConfig(filters=(16, 32, 64, 96)),
            embedding_size=64,
        ),
        objectives=(ObjectiveConfig(kind="supervised-contrastive"),),
        sampler=SamplerConfig(groups_per_batch=4, tracks_per_group=8),
        augmentation=AugmentationConfig(
            gain_db=6.0, tilt_db=6.0, time_masks=2, frequency_masks=2, noise=0.01
        ),
        loop=LoopConfig(epochs=rounds, precision="32", device="cpu"),
    )


def streamed_config(rounds: int) -> TrainingConfig:
    """A small network on ten seconds of MP3: decoding is most of the work."""
    return TrainingConfig(
        model=ModelConfig(
            excerpts=ExcerptConfig(n_excerpts=1, excerpt_seconds=10.0),
            front_end=FrontEndConfig(n_bins=32, fft_size=1024, hop_samples=1024),
            backbone=BackboneConfig(filters=(8, 16), pooling="mean"),
            embedding_size=16,
        ),
        dataset=DatasetConfig(validation_share=0.34, test_share=0.0, cache_gigabytes=0.0),
        sampler=SamplerConfig(groups_per_batch=4, tracks_per_group=2, small_groups="repeat"),
        loop=LoopConfig(epochs=rounds, precision="32", device="cpu", workers=2),
    )


class Turns:
    """An observer that times whole epochs and runs the alternative after each."""

    def __init__(self, run: TrainingRun, alternative: Callable[[TrainingRun], float]) -> None:
        self.run, self.alternative = run, alternative
        self.loop_rates: list[float] = []
        self.alternative_rates: list[float] = []
        self._n_steps = 0
        self._start = time.perf_counter()

    def after_step(self, *_: object) -> None:
        """Count the step. Times are taken per epoch, because batches are prepared ahead."""
        self._n_steps += 1

    def after_epoch(self, _: object) -> None:
        """Record the rates of both. The loop's includes waiting for the first batch."""
        seconds = time.perf_counter() - self._start
        sampler = self.run.loop.parts.sampler
        n_crops = sampler.tracks_per_batch * sampler.config.crops_per_track
        self.loop_rates.append(self._n_steps * n_crops / seconds)
        self.alternative_rates.append(self.alternative(self.run))
        self._n_steps, self._start = 0, time.perf_counter()


def bare_loop(run: TrainingRun) -> float:
    """Examples per second of forward, loss, backward and step on one batch in memory."""
    parts = run.loop.parts
    network, objective = parts.network.train(), parts.objective
    optimiser = torch.optim.AdamW(network.parameters(), lr=1e-9)
    rows = parts.sampler.plan(0)[0].rows
    _, levels = parts.source.readable_crops(
        parts.rows[rows], generator=step_generator(0, 0, purpose=1)
    )
    targets = parts.targets.batch(rows)
    assert known_fields(targets)
    start = time.perf_counter()
    for _ in range(BARE_STEPS):
        loss = objective(network(levels), targets, generator=torch.Generator()).loss
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    return BARE_STEPS * len(rows) / (time.perf_counter() - start)


def decoder_alone(run: TrainingRun) -> float:
    """Crops per second that two threads decode."""
    paths = [run.dataset.rows[int(row)].path for row in run.loop.parts.rows]
    config = run.config.model.excerpts
    rate = run.config.model.front_end.sample_rate

    def decode(item: tuple[int, Path]) -> int:
        generator = np.random.default_rng(item[0])
        return len(load_excerpts(item[1], config, sample_rate=rate, generator=generator).samples)

    start = time.perf_counter()
    n_crops = sum(map_in_threads(decode, enumerate(filter(None, paths)), workers=2))
    return n_crops / (time.perf_counter() - start)


def measure(part: str, folder: Path, rounds: int) -> float:
    """Print both rates of one part; returns their ratio."""
    if part == "cached":
        run = open_run(write_pictures(folder / "pictures"), cached_config(rounds), folder / "run")
        turns = Turns(run, bare_loop)
        against = "bare loop, one resident batch"
    else:
        music = folder / "music"
        write_music_folder(
            music, formats=(".mp3",), artists_per_style=2, albums_per_artist=1, songs_per_album=3
        )
        run = open_run(music, streamed_config(rounds), folder / "run")
        turns = Turns(run, decoder_alone)
        against = "decoder alone, 2 threads"
    run.folder.mkdir(exist_ok=True)
    run.loop.parts = dataclasses.replace(run.loop.parts, validate=lambda *_: {"score": 0.0})
    run.loop.run([turns], keep_best=lambda _: None)
    ratios = [
        rate / alternative
        for rate, alternative in zip(turns.loop_rates, turns.alternative_rates, strict=True)
    ]
    for name, rates in (
        (f"{part}: soundalike", turns.loop_rates),
        (against, turns.alternative_rates),
    ):
        print(f"{name:<34} {statistics.median(rates):8.1f} examples/s   median of {len(rates)}")
    return statistics.median(ratios)


def write_pictures(folder: Path) -> Path:
    """Write 512 spectrograms of four genres."""
    generator = np.random.default_rng(0)
    lines = ["track,genre,artist"]
    lines += [f"t{n:03},{'abcd'[n % 4]},artist {n // 16}" for n in range(512)]
    arrays = generator.integers(0, 256, size=(512, 128, 128), dtype=np.uint8)
    folder.mkdir()
    names = np.array([line.split(",")[0] for line in lines[1:]])
    np.savez(folder / "spectrograms.npz", spectrogram=arrays, track=names)
    (folder / "tracks.csv").write_text("\n".join(lines) + "\n")
    return folder


def main() -> int:
    """Measure the parts; returns 1 if one misses its goal."""
    parser = argparse.ArgumentParser(description="Training throughput")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--part", choices=list(LOWEST))
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    has_failed = False
    for part in [options.part] if options.part else LOWEST:
        with tempfile.TemporaryDirectory() as folder:
            ratio = measure(part, Path(folder), options.rounds)
        print(f"ratio {ratio:.2f}, at least {LOWEST[part]}; {options.threads} threads")
        has_failed |= ratio < LOWEST[part]
    return int(has_failed)


if __name__ == "__main__":
    sys.exit(main())
