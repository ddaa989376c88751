"""Second moments of a spectrogram's rows over time, and a perceptron on them.

    rows ─linear map────────────▶ coefficients ┐ means of all and of the rows, deviations of the
    rows ─convolutions over time▶ coefficients ┘ rows, eighth roots of the covariances of all
                                                 coefficients and of their steps
    moments ─batch norm, dropout─(linear, batch norm, activation, dropout) × …
        ─▶ [batch, n_features, 1]

The linear map starts as a cosine transform, so its coefficients are cepstral. `filters` gives their
number, then the channels of the convolutions (which add as many coefficients), then the units of
each layer of the perceptron. With a single number, the moments themselves are the features.

Coefficients that rise and fall together depend on instruments, room and production, and a
perceptron learns it in a quarter of the time that convolutions need. The eighth root of a
covariance is nearly its logarithm, in which a matrix twice as large is as far away as one half as
large; and it needs only matrix products.
"""

import math
from contextlib import AbstractContextManager, nullcontext
from functools import cache

import torch
from torch import Tensor, nn

from embedder.config.model import ActivationKind, BackboneConfig
from embedder.networks.activations import build_activation

SMALL = 1e-4
"""Added to a variance, so that constant levels have a finite gradient."""
LEAST_VARIANCE = 1e-2
"""The least variance in each direction of the coefficients, whose own variance is 1."""
STEPS_OF_ROOTS = (18, 12, 8)
"""Steps of each of three square roots: with 1/50 000 of the variance, the error is 0.003."""


class Moments(nn.Module):
    """Spectrogram [batch, rows, columns] to features [batch, n_features, 1]."""

    def __init__(self, config: BackboneConfig, *, n_rows: int) -> None:
        super().__init__()
        n_cepstral, *widths = config.filters
        self.cepstral = nn.Linear(n_rows, n_cepstral, bias=False)
        with torch.no_grad():
            self.cepstral.weight.copy_(cosine_transform(n_cepstral, n_rows=n_rows))
        self.learnt: nn.Module | None = None
        n_coefficients = n_cepstral
        if widths:
            self.learnt = _convolutions(
                n_rows,
                widths[0],
                n_cepstral,
                kernel=config.kernel,
                activation=config.activation,
            )
            n_coefficients += n_cepstral
        self.scale = nn.BatchNorm1d(n_coefficients, affine=False)
        self.n_coefficients = n_coefficients
        n_moments = 2 * n_rows + n_coefficients * (n_coefficients + 2)
        self.perceptron = _perceptron(
            n_moments, widths[1:], dropout=config.dropout, activation=config.activation
        )
        self.n_features = widths[-1] if len(widths) > 1 else n_moments

    @torch.no_grad()
    def learn_scale(self, spectrograms: Tensor) -> None:
        """Take the coefficients' mean and variance from spectrograms [n, rows, columns]."""
        statistics = nn.BatchNorm1d(self.n_coefficients, affine=False, momentum=None)
        statistics(self._coefficients(spectrograms))
        self.scale.load_state_dict(statistics.state_dict())

    def forward(self, spectrogram: Tensor) -> Tensor:
        """[batch, rows, columns] to [batch, n_features, 1]."""
        coefficients = self._coefficients(spectrogram)
        with _in_float32(spectrogram.device.type):
            coefficients = self.scale(coefficients)
            moments = moments_of(spectrogram.float(), coefficients, n=self.n_coefficients)
        features: Tensor = self.perceptron(moments)
        return features.unsqueeze(-1)

    def _coefficients(self, spectrogram: Tensor) -> Tensor:
        coefficients: Tensor = self.cepstral(spectrogram.transpose(1, 2)).transpose(1, 2).float()
        if self.learnt is not None:
            coefficients = torch.cat([coefficients, self.learnt(spectrogram).float()], dim=1)
        return coefficients


def moments_of(rows: Tensor, coefficients: Tensor, *, n: int) -> Tensor:
    """[batch, rows, columns] and [batch, n, columns] to [batch, 2 × rows + n × (n + 2)].

    `n` is an argument, because to an exporter that traces tensors their shapes are variable.
    """
    means = coefficients.mean(dim=2, keepdim=True)
    spread = (rows.var(dim=2, correction=0) + SMALL).sqrt()
    steps = coefficients[:, :, 1:] - coefficients[:, :, :-1]
    covariances = torch.cat([_covariance(coefficients - means, n), _covariance(steps, n)])
    roots = eighth_root(covariances).flatten(1)
    roots = roots[:, torch.tensor(_upper_triangle(n), device=rows.device)]
    # Not by the number of tracks, which an exporter that traces would write down as it is.
    of_values, of_steps = roots.reshape(2, -1, n * (n + 1) // 2)
    return torch.cat([rows.mean(dim=2), spread, means.squeeze(2), of_values, of_steps], dim=1)


def eighth_root(matrices: Tensor) -> Tensor:
    """The eighth root of positive definite matrices [batch, n, n]."""
    for n_steps in STEPS_OF_ROOTS:
        matrices = _square_root(matrices, n_steps=n_steps)
    return matrices


def _square_root(matrices: Tensor, *, n_steps: int) -> Tensor:
    """By Newton-Schulz iterations, which need eigenvalues of at most 1."""
    n = matrices.shape[1]
    identity = torch.eye(n, device=matrices.device)
    trace = (matrices * identity).sum(dim=(1, 2), keepdim=True)
    root, inverse = matrices / trace, identity.expand_as(matrices)
    for _ in range(n_steps):
        correction = 1.5 * identity - 0.5 * inverse @ root
        root, inverse = root @ correction, correction @ inverse
    return root * trace.sqrt()


def cosine_transform(n: int, *, n_rows: int) -> Tensor:
    """The first n cosines over the rows, [n, rows], each of about unit length."""
    at = (torch.arange(n_rows) + 0.5) * (math.pi / n_rows)
    rows: Tensor = torch.cos(torch.arange(n)[:, None] * at) * (2 / n_rows) ** 0.5
    return rows


def _in_float32(device_type: str) -> AbstractContextManager[object]:
    """No autocast: sums of products lose too many digits in bf16. The meta device has none."""
    is_meta = device_type == "meta"
    return nullcontext() if is_meta else torch.autocast(device_type, enabled=False)


def _covariance(moving: Tensor, n: int) -> Tensor:
    least = LEAST_VARIANCE * torch.eye(n, device=moving.device)
    return moving @ moving.transpose(1, 2) / moving.shape[2] + least


@cache
def _upper_triangle(n: int) -> list[int]:
    """Positions of the diagonal and the upper triangle in a flat n × n matrix."""
    return [row * n + column for row in range(n) for column in range(row, n)]


def _convolutions(
    n_rows: int, n_channels: int, n_out: int, *, kernel: int, activation: ActivationKind
) -> nn.Sequential:
    padding = kernel // 2
    return nn.Sequential(
        nn.Conv1d(n_rows, n_channels, kernel, padding=padding, bias=False),
        nn.BatchNorm1d(n_channels),
        build_activation(activation),
        nn.Conv1d(n_channels, n_out, kernel, padding=padding, bias=False),
    )


def _perceptron(
    n_in: int, widths: list[int], *, dropout: float, activation: ActivationKind
) -> nn.Sequential:
    if not widths:
        return nn.Sequential()
    layers: list[nn.Module] = [nn.BatchNorm1d(n_in), nn.Dropout(dropout / 2)]
    for width in widths:
        layers += [nn.Linear(n_in, width, bias=False), nn.BatchNorm1d(width)]
        layers += [build_activation(activation), nn.Dropout(dropout)]
        n_in = width
    return nn.Sequential(*layers)
