"""Which devices a run uses, how many, and in which number format."""

import logging
import os
import sys
from datetime import timedelta
from typing import Any

import torch
from lightning_fabric import Fabric
from lightning_fabric.strategies.ddp import DDPStrategy
from lightning_fabric.strategies.strategy import Strategy

from embedder.config.training import LoopConfig
from embedder.encoding.devices import choose_device
from embedder.processes.torchrun import own_rank

_LONGEST_WAIT = timedelta(days=2)
"""While rank zero prepares features or measures, the others wait; a lost process ends the wait."""


def build_fabric(loop: LoopConfig) -> Fabric:
    """Lightning Fabric on the devices that the settings name, or that `torchrun` has started."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would write to stderr
    choose_device(loop.device)  # raises if the device is not there
    n_devices, n_machines = loop.n_devices, loop.n_machines
    rank = own_rank()
    if rank.of > 1:  # torchrun knows how many there are
        n_devices, n_machines = rank.of_machine, rank.of // rank.of_machine
    if n_machines == 1:  # otherwise gloo listens on the network
        loopback = "lo" if sys.platform == "linux" else "lo0"
        os.environ.setdefault("GLOO_SOCKET_IFNAME", loopback)
    fabric = Fabric(
        accelerator=loop.device,
        devices=n_devices,
        num_nodes=n_machines,
        strategy=_strategy(n_devices * n_machines),
        precision=_fabric_precision(loop),
    )
    fabric.launch()
    return fabric


def _strategy(n_processes: int) -> Strategy | str:
    # The statistics are the same in all processes (`ranks/modules.py`): none has to send its own.
    if n_processes > 1:
        return DDPStrategy(broadcast_buffers=False, timeout=_LONGEST_WAIT)
    return "auto"


def _fabric_precision(loop: LoopConfig) -> Any:
    names = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
    if loop.precision != "auto":
        return names[loop.precision]
    if torch.cuda.is_available() and loop.device != "cpu":
        return names["bf16"] if torch.cuda.is_bf16_supported() else names["16"]
    return names["bf16"] if torch.cpu.get_capabilities().get("avx512_bf16") else names["32"]
