"""Change the sample rate of a whole array as a few matrix products, with libswresample's filter.

    input     |----- 441 samples -----|----- 441 samples -----|     rows of a matrix, with overlap
                 × the weights of 32 outputs: [window, 32]
    output    |-- 160 --|-- 160 --|

Each sample of a converted sound is a weighted sum of the samples around it, and the weights repeat
after a period. As products of matrices, the sums take a quarter of libswresample's time. The
weights are read off its answer to single impulses, so that both convert alike.
"""

import math
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from embedder.audio.resampling import resampled

_REACH_SAMPLES = 34
"""On each side, at the lower rate: half of the filter of 64, and its fractions."""
_OUTPUTS = 32
"""A product. More multiply more zeros, fewer take more products."""
_LONGEST_PERIOD = 2048
"""Two rates with a longer one are left to libswresample: the weights would take long to read."""

Samples = NDArray[np.float32]


def converted(samples: Samples, *, from_rate: int, to_rate: int) -> Samples:
    """Like `resampled`, and equal to 2e-6 of full scale, but silent beyond both ends.

    libswresample mirrors the sound there. Cut `margin_samples` off to get the same samples.
    """
    if from_rate == to_rate:
        return samples
    shared = math.gcd(from_rate, to_rate)
    if max(from_rate, to_rate) // shared > _LONGEST_PERIOD:
        return resampled(samples, from_rate=from_rate, to_rate=to_rate)
    weights = _weights(from_rate // shared, to_rate // shared)
    n_samples = round(len(samples) * to_rate / from_rate)
    n_rows = math.ceil(n_samples / weights.n_outputs)
    padded = np.zeros(weights.before + n_rows * weights.n_inputs + weights.after, np.float32)
    padded[weights.before :][: len(samples)] = samples
    outputs = np.empty((n_rows, weights.n_outputs), np.float32)
    for group, (start, matrix) in enumerate(weights.groups):
        rows = np.lib.stride_tricks.as_strided(
            padded[weights.before + start :],
            (n_rows, len(matrix)),
            (weights.n_inputs * padded.itemsize, padded.itemsize),
            writeable=False,
        )
        first = group * _OUTPUTS
        np.matmul(rows, matrix, out=outputs[:, first : first + matrix.shape[1]])
    return outputs.reshape(-1)[:n_samples]


@dataclass(frozen=True, slots=True)
class _Weights:
    """From a row of inputs to a row of outputs, for two rates.

    groups: (the first input, which may lie before the row, weights [window, outputs])
    """

    n_inputs: int
    n_outputs: int
    groups: tuple[tuple[int, Samples], ...]

    @property
    def before(self) -> int:
        """How many inputs before a row are needed."""
        return max(-start for start, _ in self.groups)

    @property
    def after(self) -> int:
        """How many inputs from a row's begin on are needed."""
        return max(start + len(matrix) for start, matrix in self.groups)


@lru_cache(maxsize=8)
def _weights(from_period: int, to_period: int) -> _Weights:
    """The weights for rates without a common factor."""
    reach = _REACH_SAMPLES * math.ceil(max(1.0, from_period / to_period))
    window = 2 * reach + 1 + math.ceil(_OUTPUTS * from_period / to_period)
    # A matrix whose rows overlap goes to the matrix product only if a row is as long as a window.
    n_periods = math.ceil(window / from_period)
    n_inputs, n_outputs = n_periods * from_period, n_periods * to_period
    answer, impulses = _impulse_answer(from_period, to_period, reach=reach)
    groups = []
    for first in range(0, n_outputs, _OUTPUTS):
        outputs = np.arange(first, min(first + _OUTPUTS, n_outputs))
        start = outputs[0] * from_period // to_period - reach
        end = outputs[-1] * from_period // to_period + reach + 1
        inputs = np.arange(start, end)
        impulse = impulses[inputs % from_period]
        periods = (impulse - inputs) // from_period  # from the input to its like with an impulse
        matrix = answer[outputs[None, :] + (periods * to_period)[:, None]]
        distance = np.abs(outputs[None, :] * from_period / to_period - inputs[:, None])
        matrix[distance > reach] = 0.0  # there another impulse answers
        groups.append((int(start), np.ascontiguousarray(matrix)))
    return _Weights(n_inputs, n_outputs, tuple(groups))


def _impulse_answer(
    from_period: int, to_period: int, *, reach: int
) -> tuple[Samples, NDArray[np.int64]]:
    """What impulses far from each other become, and where each place of a period has its one."""
    gap = 2 * reach + 2
    while math.gcd(gap, from_period) > 1:
        gap += 1
    # Whole periods first: the beginning is mirrored, and an output may lie before its impulse.
    lead = from_period * math.ceil(4 * reach / from_period)
    positions = lead + gap * np.arange(from_period)
    signal = np.zeros(positions[-1] + lead + from_period, np.float32)
    signal[positions] = 1.0
    impulses = np.empty(from_period, np.int64)
    impulses[positions % from_period] = positions
    return resampled(signal, from_rate=from_period, to_rate=to_period), impulses
