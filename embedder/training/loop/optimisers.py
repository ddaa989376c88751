"""The optimiser, the learning-rate schedule, and the average of the weights.

The learning rate is a function of the step, and of how often a plateau has lowered it: a resumed
run needs only these two numbers.
"""

import copy
import math
from collections.abc import Iterable

import torch
from torch import Tensor, nn
from torch.optim import SGD, Adam, AdamW, Optimizer, RMSprop

from embedder.config.training import LoopConfig, OptimiserConfig, ScheduleConfig
from embedder.errors import ConfigError
from embedder.training.loop.muon import Muon


def build_optimiser(config: OptimiserConfig, network: nn.Module, objective: nn.Module) -> Optimizer:
    """The optimiser over the network's weights and the objective's own (proxies, heads).

    Weight decay leaves biases and normalisation alone: pulling them to zero has no
    use.
    """
    if config.learning_rate <= 0:
        raise ConfigError(f"optimiser.learning_rate = {config.learning_rate}: give more than 0")
    head_rate = config.learning_rate * config.head_learning_rate_factor
    weights, rest = _split_by_shape(network.parameters())
    head = [p for p in objective.parameters() if p.requires_grad]
    groups = [
        {"params": weights, "lr": config.learning_rate, "weight_decay": config.weight_decay},
        {"params": rest, "lr": config.learning_rate, "weight_decay": 0.0},
        {"params": head, "lr": head_rate, "weight_decay": 0.0},
    ]
    used_groups = [group for group in groups if group["params"]]
    if not used_groups:
        raise ConfigError("nothing to train: every weight is frozen and the objective has none")
    if config.kind == "sgd":
        uses_momentum = config.momentum > 0
        return SGD(used_groups, momentum=config.momentum, nesterov=uses_momentum)
    if config.kind == "rmsprop":
        return RMSprop(used_groups, momentum=config.momentum)
    if config.kind == "muon":
        return Muon([group | {"orthogonal": group["params"] is weights} for group in used_groups])
    return Adam(used_groups) if config.kind == "adam" else AdamW(used_groups)


def rate_factor(
    config: ScheduleConfig, *, step: int, n_steps: int, steps_per_epoch: int, n_drops: int = 0
) -> float:
    """What the learning rate is multiplied by at a step (0 … n_steps - 1).

    n_drops: how often the held-out score has stopped improving (`plateau`).
    """
    n_warm_up = max(round(config.warm_up_share * n_steps), 1)
    rising = min((step + 1) / n_warm_up, 1.0)
    if config.kind == "constant":
        return rising
    if config.kind == "plateau":
        return float(rising * config.step_factor**n_drops)
    if config.kind == "step":
        return float(
            rising * config.step_factor ** ((step // steps_per_epoch) // config.step_epochs)
        )
    share_done = min(max(step + 1 - n_warm_up, 0) / max(n_steps - n_warm_up, 1), 1.0)
    falling = (
        config.final_factor + (1 - config.final_factor) * (1 + math.cos(math.pi * share_done)) / 2
    )
    if config.kind == "cosine":
        return rising * falling
    # One cycle (Smith 2018): from a twenty-fifth up along a cosine, then down along another.
    climbing = 0.04 + 0.96 * (1 - math.cos(math.pi * rising)) / 2
    return climbing if step + 1 < n_warm_up else falling


def set_rates(optimiser: Optimizer, base_rates: list[float], factor: float) -> None:
    """Set the learning rate of every group for the next step."""
    for group, rate in zip(optimiser.param_groups, base_rates, strict=True):
        group["lr"] = rate * factor


def l1_norm(network: nn.Module) -> Tensor:
    """The sum of the absolute weights (L1), without biases and normalisation."""
    weights, _ = _split_by_shape(network.parameters())
    return torch.stack([weight.abs().sum() for weight in weights]).sum()


class WeightAverage:
    """The average of the weights over the last part of a run; often better than the last weights.

    moving        each step: average = decay × average + (1 - decay) × weights; decay starts low,
                  so that the first steps soon lose their influence
    last-epochs   the plain mean of the weights at the end of the last `averaging_epochs` epochs
    """

    def __init__(self, config: LoopConfig, network: nn.Module) -> None:
        self.config = config
        self.network = copy.deepcopy(network).requires_grad_(requires_grad=False)
        self.n_updates = 0

    def after_step(self, network: nn.Module) -> None:
        """Update the moving average."""
        if self.config.weight_averaging == "moving":
            self.n_updates += 1
            decay = min(self.config.averaging_decay, self.n_updates / (self.n_updates + 10))
            self._pull(network, 1 - decay)

    def after_epoch(self, network: nn.Module, epoch: int) -> None:
        """Update the average of the last epochs; epochs are counted from 0."""
        first = self.config.epochs - self.config.averaging_epochs
        if self.config.weight_averaging == "last-epochs" and epoch >= first:
            self.n_updates += 1
            self._pull(network, 1 / self.n_updates)

    def model(self, network: nn.Module) -> nn.Module:
        """The network to validate and save: the average, if it has been updated."""
        return self.network if self.n_updates else network

    @torch.no_grad()
    def _pull(self, network: nn.Module, share: float) -> None:
        weights = network.state_dict()
        for name, average in self.network.state_dict().items():
            if average.dtype.is_floating_point:
                average.lerp_(weights[name].to(average.device), share)
            else:
                average.copy_(weights[name])


def _split_by_shape(parameters: Iterable[nn.Parameter]) -> tuple[list[Tensor], list[Tensor]]:
    """Weights (two axes or more) and the rest, frozen ones left out."""
    free = [parameter for parameter in parameters if parameter.requires_grad]
    return [p for p in free if p.ndim > 1], [p for p in free if p.ndim <= 1]
