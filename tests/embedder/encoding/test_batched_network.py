"""The network in batches: equality, memory limits, short number formats."""

import logging

import numpy as np
import pytest
import torch
from torch import Tensor

from embedder.encoding.batched_network import BatchedForward
from embedder.encoding.devices import choose_device
from embedder.encoding.precision import fastest_safe_format, with_format
from embedder.errors import UnknownChoice, UsageError

CPU = torch.device("cpu")


def linear_network() -> torch.nn.Module:
    """A seeded network: flatten, one layer, unit length."""
    generator = torch.Generator().manual_seed(3)
    layer = torch.nn.Linear(8 * 5, 6)
    with torch.no_grad():
        layer.weight.copy_(torch.randn(layer.weight.shape, generator=generator))
        layer.bias.zero_()
    return torch.nn.Sequential(torch.nn.Flatten(), layer)


def spectrograms(n: int) -> Tensor:
    return torch.rand(n, 8, 5, generator=torch.Generator().manual_seed(5))


@pytest.mark.parametrize("n", [1, 4, 9])
def test_batches_change_nothing(n: int) -> None:
    """Each excerpt has the same output at every batch size."""
    network = linear_network()
    batched = BatchedForward(network, device=CPU, batch_size=4, precision="float32")
    torch.testing.assert_close(batched(spectrograms(n)), network(spectrograms(n)).detach())


class SmallMemory(torch.nn.Module):
    """A network on a device with memory for three excerpts."""

    def __init__(self) -> None:
        super().__init__()
        self.network = linear_network()

    def forward(self, batch: Tensor) -> Tensor:
        """Refuse more than three excerpts."""
        if len(batch) > 3:
            raise torch.OutOfMemoryError("out of memory")
        output: Tensor = self.network(batch)
        return output


def test_out_of_memory_halves_the_batch_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    """A batch that does not fit is halved until it does; the results are complete and in order."""
    batched = BatchedForward(SmallMemory(), device=CPU, batch_size=16, precision="float32")
    with caplog.at_level(logging.WARNING):
        outputs = batched(spectrograms(10))
    assert batched.batch_size == 2
    assert "going on with batches of 2" in caplog.text
    torch.testing.assert_close(outputs, linear_network()(spectrograms(10)).detach())


def test_a_device_without_memory_leaves_the_work_to_the_cpu(
    caplog: pytest.LogCaptureFixture,
) -> None:
    """If not even one excerpt fits, a warning says so, and the answers are those of the CPU."""

    def forward(batch: Tensor) -> Tensor:
        if batch.device.type == "meta":  # stands in for a GPU
            raise torch.OutOfMemoryError("out of memory")
        return linear_network()(batch)

    batched = BatchedForward(forward, device=torch.device("meta"), batch_size=4)
    with caplog.at_level(logging.WARNING):
        outputs = batched(spectrograms(6))
    assert "meta: no memory for even one excerpt, going on with the CPU" in caplog.text
    torch.testing.assert_close(outputs, linear_network()(spectrograms(6)).detach())


def test_a_device_too_small_for_the_network_leaves_it_to_the_cpu(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The network itself does not fit: it stays where it is."""
    network = linear_network()
    move = torch.nn.Module.to

    def to(module: torch.nn.Module, device: torch.device) -> torch.nn.Module:
        if device.type == "meta":
            raise torch.OutOfMemoryError("out of memory")
        return move(module, device)

    monkeypatch.setattr(torch.nn.Module, "to", to)
    batched = BatchedForward(network, device=torch.device("meta"), batch_size=4)
    assert batched.device == CPU
    torch.testing.assert_close(batched(spectrograms(3)), network(spectrograms(3)).detach())


def test_no_memory_for_one_excerpt_is_an_error() -> None:
    """A batch of one excerpt cannot be halved."""

    def never(batch: Tensor) -> Tensor:
        raise torch.OutOfMemoryError("out of memory")

    batched = BatchedForward(never, device=CPU, batch_size=4, precision="float32")
    with pytest.raises(torch.OutOfMemoryError, match="even one excerpt"):
        batched(spectrograms(4))


def test_bfloat16_stays_close_to_float32() -> None:
    """Vectors in bfloat16 have a cosine above 0.999 with those in float32."""
    network = linear_network()
    batch = spectrograms(32)
    with torch.inference_mode():
        exact, short = network(batch), with_format(network, torch.bfloat16)(batch)
    assert short.dtype == torch.float32
    assert float(torch.cosine_similarity(exact, short).min()) > 0.999


def test_an_inaccurate_format_is_not_used() -> None:
    """A network that amplifies rounding errors keeps float32, even if another format is faster."""

    class Amplifier(torch.nn.Module):
        def forward(self, batch: Tensor) -> Tensor:
            """Blow up what a matrix product rounds away."""
            flat = batch.flatten(1)
            product = flat @ torch.eye(flat.shape[1], device=flat.device)
            rounded_away = product.float() - flat.float()
            return rounded_away * 1e6 + flat.float()

    assert fastest_safe_format(Amplifier(), spectrograms(8)) is None


def test_an_unknown_precision_lists_the_valid_ones() -> None:
    """The message lists the valid names."""
    with pytest.raises(UnknownChoice, match="bfloat16"):
        BatchedForward(linear_network(), device=CPU, batch_size=1, precision="bf16")  # type: ignore[arg-type]  # on purpose


def test_an_unknown_device_lists_the_valid_ones() -> None:
    """The message lists the valid names."""
    with pytest.raises(UnknownChoice, match="auto, cpu, cuda, mps"):
        choose_device("gpu")


@pytest.mark.skipif(torch.backends.mps.is_available(), reason="this machine has MPS")
def test_a_device_that_is_not_there_is_refused() -> None:
    """The error lists the devices of this machine."""
    with pytest.raises(UsageError, match=r"It has: .*cpu"):
        choose_device("mps")


def test_outputs_are_plain_numbers_on_the_cpu() -> None:
    """The result can be converted to numpy directly."""
    batched = BatchedForward(linear_network(), device=CPU, batch_size=2)
    assert batched(spectrograms(3)).numpy().dtype == np.float32
