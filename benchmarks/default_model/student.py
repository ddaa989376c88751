"""Train a small network to say about a patch what MusiCNN says.

    python -m benchmarks.default_model.student runs/taught -o runs/student --minutes 35

TAUGHT is the folder that teach.py fills. Shards that are added while this runs are learned too.
The network reads log-mel patches relative to their own maximum, so it does not depend on the
level. It learns the teacher's penultimate layer, each dimension standardised. Two shards are held
out, and the share of their variance that the network explains is printed.
"""

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.features.building import build_front_end
from embedder.models.kinds.musicnn_file import MEL, PATCH_SECONDS, SAMPLE_RATE
from embedder.models.kinds.network import save_model
from embedder.networks.network import EmbeddingNetwork

N_OUTPUTS = 200
"""Of the teacher's penultimate layer."""
HELD_OUT_SHARDS = 2
THINNING = 2
"""The student reads every second frame of the teacher's."""
CONFIG = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=6, excerpt_seconds=PATCH_SECONDS, placement="spread"),
    front_end=FrontEndConfig(
        kind="log-mel",
        sample_rate=SAMPLE_RATE,
        fft_size=MEL.fft_size,
        hop_samples=THINNING * MEL.hop_samples,
        n_bins=MEL.n_bins,
    ),
    backbone=BackboneConfig(
        kind="short-chunk", filters=(16, 32, 64, 128, 256), stride=2, pool=1, pooling="statistics"
    ),
    embedding_size=N_OUTPUTS,
    geometry="euclidean",
)


class Shards:
    """The shards of a folder in memory; `refresh` reads those that are new."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.read: set[str] = set()
        self.levels: list[Tensor] = []
        self.targets: list[Tensor] = []
        self.held_out: list[tuple[Tensor, Tensor]] = []

    def refresh(self) -> None:
        """Read new shards; the first ones are held out."""
        for path in sorted(self.folder.glob("shard-*.npz")):
            if path.name in self.read or path.name.endswith(".part.npz"):
                continue
            arrays = np.load(path)
            self.read.add(path.name)
            levels = torch.from_numpy(arrays["levels"][:, :, ::THINNING].copy())
            targets = torch.from_numpy(arrays["penultimate"])
            if len(self.held_out) < HELD_OUT_SHARDS:
                self.held_out.append((levels, targets))
            else:
                self.levels.append(levels)
                self.targets.append(targets)

    def moments(self) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the targets so far."""
        values = torch.cat(self.targets).float()
        return values.mean(dim=0), values.std(dim=0) + 1e-3

    def batches(self, size: int, random: np.random.Generator) -> Iterator[tuple[Tensor, Tensor]]:
        """Random batches for ever, each from a few shards."""
        while True:
            numbers = random.permutation(len(self.levels))
            n_shards = 12
            for start in range(0, len(numbers), n_shards):
                some = numbers[start : start + n_shards]
                levels = torch.cat([self.levels[n] for n in some])
                targets = torch.cat([self.targets[n] for n in some])
                order = torch.from_numpy(random.permutation(len(levels)))
                for at in range(0, len(order) - size + 1, size):
                    rows = order[at : at + size]
                    yield levels[rows].float() / 255, targets[rows].float()
            self.refresh()


def main() -> None:
    """Train until the time is over, then write the model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("taught", type=Path)
    parser.add_argument("-o", "--output", type=Path, default=Path("runs/student"))
    parser.add_argument("--minutes", type=float, default=35.0)
    parser.add_argument("--rate", type=float, default=3e-3)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(options.seed)
    shards = Shards(options.taught)
    shards.refresh()
    mean, deviation = shards.moments()
    network = EmbeddingNetwork(CONFIG).to(memory_format=torch.channels_last)
    averaged = torch.optim.swa_utils.AveragedModel(
        network, multi_avg_fn=torch.optim.swa_utils.get_ema_multi_avg_fn(0.995), use_buffers=True
    )
    optimiser = torch.optim.AdamW(network.parameters(), lr=options.rate, weight_decay=0.02)
    start = time.monotonic()
    reported = 0.0
    losses: list[float] = []
    batches = shards.batches(options.batch, np.random.default_rng(options.seed))
    for step, (levels, targets) in enumerate(batches):
        share = (time.monotonic() - start) / 60 / options.minutes
        if share >= 1:
            break
        for group in optimiser.param_groups:
            group["lr"] = options.rate * factor(share)
        outputs = network(perturbed(levels))
        expected = (targets - mean) / deviation
        loss = functional.mse_loss(outputs, expected)
        loss = loss + 1 - functional.cosine_similarity(outputs, expected).mean()
        optimiser.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimiser.step()
        averaged.update_parameters(network)
        losses.append(loss.item())
        if time.monotonic() - reported > 150:
            reported = time.monotonic()
            explained = held_out(averaged.module, shards, mean, deviation)
            print(
                f"{reported - start:.0f} s, step {step}, "
                f"{len(shards.levels) + HELD_OUT_SHARDS} shards, "
                f"loss {np.mean(losses[-300:]):.3f}, explained {explained:.3f}",
                flush=True,
            )
            write(options.output, averaged.module)
    print(f"explained {held_out(averaged.module, shards, mean, deviation):.3f}, {step} steps")
    write(options.output, averaged.module)


def factor(share: float) -> float:
    """Of the learning rate: a short rise, then half a cosine."""
    if share < 0.03:
        return share / 0.03
    return float(0.5 + 0.5 * np.cos(np.pi * (share - 0.03) / 0.97)) + 0.002


def perturbed(levels: Tensor) -> Tensor:
    """Small changes that the teacher did not see: rows louder or quieter, noise."""
    n, n_rows, _ = levels.shape
    knots = torch.randn(n, 1, 8) * 0.015
    bends = functional.interpolate(knots, size=n_rows, mode="linear", align_corners=True)
    chosen = (torch.rand(n, 1, 1) < 0.5).float()
    return (levels + bends.transpose(1, 2) * chosen).clamp(0, 1)


@torch.inference_mode()
def held_out(network: torch.nn.Module, shards: Shards, mean: Tensor, deviation: Tensor) -> float:
    """The share of the standardised targets' variance that the network explains."""
    network.eval()
    errors, total = 0.0, 0.0
    for levels, targets in shards.held_out:
        expected = (targets.float() - mean) / deviation
        for at in range(0, len(levels), 64):
            outputs = network(levels[at : at + 64].float() / 255)
            errors += float((outputs - expected[at : at + 64]).square().sum())
        total += float(expected.square().sum())
    network.train()
    return 1 - errors / total


def write(folder: Path, network: torch.nn.Module) -> None:
    """Save the network as a model."""
    assert isinstance(network, EmbeddingNetwork)
    front_end = build_front_end(CONFIG.front_end)
    was_training = network.training
    save_model(folder, network.eval(), front_end=front_end, name="student", replace=True)
    network.train(was_training)


if __name__ == "__main__":
    main()
