"""The processes of a run, and what they exchange, so that they learn as one process does.

    one batch      |t1 t2 t3 t4|t5 t6 t7 t8|
    rank                0           1         each prepares and encodes its part
    embeddings     |e1 e2 e3 e4 e5 e6 e7 e8|  gathered: each rank computes the loss of all of them

The gradient that a rank has after `backward` is that of the sum of all ranks' losses, each of
which is the loss of the batch. Distributed data parallel takes the mean over the ranks, which is
the gradient of one process. In one process nothing is exchanged.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

import numpy as np
import torch
from lightning_fabric import Fabric
from numpy.typing import NDArray
from torch import Tensor, distributed

from embedder.datasets.draws import PartGenerator, part_generator
from embedder.errors import ConfigError, ProcessLost

Rows = NDArray[np.int64]
T = TypeVar("T")


class Ranks:
    """The processes of a run, seen from one of them."""

    def __init__(self, fabric: Fabric) -> None:
        self.fabric = fabric
        self.n = fabric.world_size
        self.rank = fabric.global_rank
        self.sizes: tuple[int, ...] = (0,) * self.n
        """Examples of each rank in the current step."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "Ranks":
        return self  # a copied network belongs to the same processes

    @property
    def n_before(self) -> int:
        """Examples of lower ranks in the current step."""
        return sum(self.sizes[: self.rank])

    @property
    def n_after(self) -> int:
        """Examples of higher ranks in the current step."""
        return sum(self.sizes[self.rank + 1 :])

    def check(self, batch_size: int, *, is_compiled: bool) -> None:
        """Refuse more processes than a batch has examples, and a compiled network."""
        if is_compiled and self.n > 1:
            raise ConfigError("loop.compile works in one process: set loop.compile = false")
        if batch_size < self.n:
            raise ConfigError(
                f"a batch has {batch_size} examples, too few for {self.n} processes: start fewer, "
                "or set larger batches (sampler)"
            )

    def part(self, batch_size: int) -> slice:
        """The places of a batch that this rank prepares."""
        return slice(batch_size * self.rank // self.n, batch_size * (self.rank + 1) // self.n)

    def generator(self, seed: int, batch_size: int) -> PartGenerator:
        """The generator of this rank's part: it draws what one process would draw."""
        part = self.part(batch_size)
        return part_generator(seed, n_before=part.start, n_after=batch_size - part.stop)

    def rows_read(self, rows: Rows, read_places: Rows) -> Rows:
        """The rows of a batch that the ranks could read, in order.

        read_places: those of this rank, within its part.
        """
        if self.n == 1:
            self.sizes = (len(read_places),)
            return rows[read_places]
        own = np.zeros(len(rows), dtype=np.int64)
        own[self.part(len(rows)).start + read_places] = self.rank + 1
        owners = torch.from_numpy(own).to(self.fabric.device)
        distributed.all_reduce(owners)
        owners = owners.cpu()
        counts = torch.bincount(owners, minlength=self.n + 1)[1:]
        self.sizes = tuple(int(count) for count in counts)
        return rows[owners.numpy() > 0]

    def gathered(self, own: Tensor) -> Tensor:
        """The embeddings of all ranks, in the order of the batch, with their gradient."""
        if self.n == 1:
            return own
        joined: Tensor = _Gathered.apply(own, self.sizes, self.rank)  # type: ignore[no-untyped-call]  # torch's own
        return joined

    def total(self, own: Tensor) -> Tensor:
        """The sum over the ranks, with its gradient."""
        if self.n == 1:
            return own
        summed: Tensor = _Total.apply(own)  # type: ignore[no-untyped-call]  # torch's own
        return summed

    def any_of(self, *flags: bool) -> list[bool]:
        """Which flags are set in at least one process; all processes must act alike."""
        if self.n == 1:
            return list(flags)
        own_flags = torch.tensor([float(flag) for flag in flags], device=self.fabric.device)
        distributed.all_reduce(own_flags)
        return [n > 0 for n in own_flags.tolist()]

    def same(self, value: T) -> T:
        """The value of rank zero."""
        return value if self.n == 1 else self.fabric.broadcast(value)

    def first_alone(self, work: Callable[[], T]) -> T:
        """Rank zero works first, and then the others, who find its files; if it fails, none do."""
        if self.rank > 0:
            if not self.same(False):  # rank zero's answer comes back
                raise ProcessLost("the first process of this run has failed; its message says why")
            return work()
        is_done = False
        try:
            result = work()
            is_done = True
        finally:
            self.same(is_done)
        return result


@contextmanager
def together(ranks: Ranks) -> Iterator[None]:
    """The work of all ranks. None leaves before all are done, so that rank zero can write in peace.

    Raises ProcessLost in place of torch's error if another process of the run ends. The group of
    processes stays: destroying it waits for gloo's threads, which may wait for Python's lock.
    """
    try:
        yield
        if ranks.n > 1:
            distributed.barrier()
    except RuntimeError as error:
        words = str(error).lower()
        is_lost = isinstance(error, distributed.DistError) or any(
            word in words for word in ("connection closed", "connection reset", "gloo", "nccl")
        )
        if ranks.n == 1 or not is_lost:
            raise
        raise ProcessLost(
            "another process of this run has ended: it was killed, or its own message says why. "
            "--resume continues after the last saved step."
        ) from error


class _Gathered(torch.autograd.Function):
    """All ranks' rows. Each rank's loss depends on the own rows alike, so the gradient of the sum
    of the losses is the own part, times the number of ranks.
    """

    @staticmethod
    def forward(ctx: Any, own: Tensor, sizes: tuple[int, ...], rank: int) -> Tensor:
        ctx.sizes, ctx.rank = sizes, rank
        padded = own.new_zeros((max(sizes), *own.shape[1:]))
        padded[: len(own)] = own
        parts = [torch.empty_like(padded) for _ in sizes]
        distributed.all_gather(parts, padded)
        return torch.cat([part[:size] for part, size in zip(parts, sizes, strict=True)])

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        own = torch.split(gradients[0], ctx.sizes)[ctx.rank]
        return own * len(ctx.sizes), None, None


class _Total(torch.autograd.Function):
    """The sum over the ranks; every rank's loss depends on it."""

    @staticmethod
    def forward(ctx: Any, own: Tensor) -> Tensor:
        del ctx
        total = own.clone()
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        del ctx
        total = gradients[0].contiguous().clone()
        distributed.all_reduce(total)
        return total
