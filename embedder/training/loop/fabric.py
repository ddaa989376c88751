"""Which devices a run uses, how many, and in which number format."""

import logging
import os
from typing import Any

import torch
from lightning_fabric import Fabric

from embedder.config.training import LoopConfig
from embedder.encoding.devices import choose_device


def build_fabric(loop: LoopConfig) -> Fabric:
    """Lightning Fabric on the devices that the settings name, or that `torchrun` has started."""
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)  # it would write to stderr
    choose_device(loop.device)  # raises if the device is not there
    n_devices, n_machines = loop.n_devices, loop.n_machines
    if "TORCHELASTIC_RUN_ID" in os.environ:  # torchrun knows how many there are
        n_devices = int(os.environ["LOCAL_WORLD_SIZE"])
        n_machines = int(os.environ["WORLD_SIZE"]) // n_devices
    fabric = Fabric(
        accelerator=loop.device,
        devices=n_devices,
        num_nodes=n_machines,
        strategy="ddp" if n_devices * n_machines > 1 else "auto",
        precision=_fabric_precision(loop),
    )
    fabric.launch()
    return fabric


def _fabric_precision(loop: LoopConfig) -> Any:
    names = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
    if loop.precision != "auto":
        return names[loop.precision]
    if torch.cuda.is_available() and loop.device != "cpu":
        return names["bf16"] if torch.cuda.is_bf16_supported() else names["16"]
    return names["bf16"] if torch.cpu.get_capabilities().get("avx512_bf16") else names["32"]
