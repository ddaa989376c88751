"""Random draws for the examples of a batch, or for the part of a batch that one process has.

A batch that several processes share must change as it would in one process. So each process draws
for the whole batch, in the same order and with the same seed, and keeps the rows of its own part.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor


class PartGenerator(torch.Generator):
    """A generator for a part of a batch: how many examples other processes have before and after
    it. Without them it is an ordinary generator.
    """

    n_before: int = 0
    n_after: int = 0


def part_generator(seed: int, *, n_before: int, n_after: int) -> PartGenerator:
    """A seeded generator for a part of a batch."""
    generator = PartGenerator()
    generator.manual_seed(seed)
    generator.n_before, generator.n_after = n_before, n_after
    return generator


def uniform(
    shape: tuple[int, ...],
    *,
    generator: torch.Generator,
    axis: int = 0,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Numbers from 0 to 1, on the generator's device. `axis`: the examples; no shape: one number
    for all examples.
    """
    return _for_part(
        lambda size: torch.rand(size, generator=generator, device=generator.device, dtype=dtype),
        shape,
        generator,
        axis=axis,
    )


def normal(shape: tuple[int, ...], *, generator: torch.Generator) -> Tensor:
    """Numbers with mean 0 and deviation 1; the first axis is that of the examples."""
    return _for_part(
        lambda size: torch.randn(size, generator=generator, device=generator.device),
        shape,
        generator,
    )


def seeds(n: int, *, generator: torch.Generator) -> list[int]:
    """A seed for each example."""
    draws = _for_part(
        lambda size: torch.randint(2**62, size, generator=generator, device=generator.device),
        (n,),
        generator,
    )
    return [int(seed) for seed in draws]


def permutation(n: int, *, generator: torch.Generator) -> Tensor:
    """The examples of the part in another order: int64 [n]."""
    n_before, n_after = _others(generator)
    whole = torch.randperm(n_before + n + n_after, generator=generator, device=generator.device)
    return whole[(whole >= n_before) & (whole < n_before + n)] - n_before


def _for_part(
    draw: Callable[[tuple[int, ...]], Tensor],
    shape: tuple[int, ...],
    generator: torch.Generator,
    *,
    axis: int = 0,
) -> Tensor:
    n_before, n_after = _others(generator)
    if not shape or not n_before + n_after:
        return draw(shape)
    whole: list[Any] = list(shape)
    whole[axis] += n_before + n_after
    return draw(tuple(whole)).narrow(axis, n_before, shape[axis])


def _others(generator: torch.Generator) -> tuple[int, int]:
    if isinstance(generator, PartGenerator):
        return generator.n_before, generator.n_after
    return 0, 0
