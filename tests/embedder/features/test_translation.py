"""Translating the spectrograms of one front end to those of another."""

import dataclasses
from typing import Any

import pytest
import torch
from hypothesis import example, given
from hypothesis import strategies as st

from embedder.config.model import FrontEndConfig
from embedder.config.presets import FRONT_ENDS
from embedder.errors import ConfigError
from embedder.features.building import build_front_end
from embedder.features.translation import Translation, row_weights
from tests.embedder.features.front_end_cases import RATE, music

SECONDS = 3.0
FINE = FrontEndConfig(n_bins=160, n_columns=60, sample_rate=RATE)
LOGARITHMIC = FrontEndConfig(kind="log-frequency", n_bins=200, n_columns=90, sample_rate=RATE)
COARSE = FrontEndConfig(n_bins=40, n_columns=30, sample_rate=RATE)


def translated(source: FrontEndConfig, target: FrontEndConfig, samples: torch.Tensor) -> Any:
    """The target's levels of some audio, and the translated levels of the source."""
    translation = Translation(source, target, excerpt_seconds=SECONDS)
    computed = build_front_end(target)(samples, RATE)
    return computed, translation(build_front_end(source)(samples, RATE))


@pytest.mark.parametrize("source", [FINE, LOGARITHMIC])
def test_translated_levels_are_near_computed_ones(source: FrontEndConfig) -> None:
    """They have the same size and nearly the same values, up to half a column apart."""
    computed, guessed = translated(source, COARSE, music(4, seconds=SECONDS))
    assert guessed.shape == computed.shape
    means = torch.stack([computed.mean(dim=2).flatten(), guessed.mean(dim=2).flatten()])
    assert torch.corrcoef(means)[0, 1] > 0.97
    assert (computed - guessed).abs().mean() < 0.05  # 4 dB of 80


@pytest.mark.parametrize("hertz", [250.0, 700.0, 2100.0, 6000.0])
@pytest.mark.parametrize("source", [FINE, LOGARITHMIC])
def test_a_tone_stays_where_it_is(source: FrontEndConfig, hertz: float) -> None:
    """Its brightest row is the computed one or the next."""
    samples = torch.sin(2 * torch.pi * hertz * torch.arange(int(SECONDS * RATE)) / RATE)[None]
    computed, guessed = translated(source, COARSE, samples)
    brightest = [int(levels.mean(dim=2).argmax()) for levels in (computed, guessed)]
    assert abs(brightest[0] - brightest[1]) <= 1


def test_a_band_is_a_mean_of_the_rows_in_it() -> None:
    """Its weights sum to 1; bands above the source's rows have no weights and are silent."""
    source, target = FRONT_ENDS["gtzan-log"], FRONT_ENDS["fma-mel"]
    sums = row_weights(source, target).sum(axis=1)
    is_held = sums > 0
    assert is_held.argmin() == is_held.sum() == 106  # of 128, as many lie below 11 kHz
    assert sums[is_held][:-1] == pytest.approx(1.0, abs=0.02)
    bright = Translation(source, target, excerpt_seconds=30.0)(torch.ones(1, 172, 173))
    assert bright.shape == (1, 128, 128)
    assert (bright[0, is_held] > 0.9).all()
    assert (bright[0, ~is_held] == 0).all()


def test_loudness_is_forgotten_and_silence_stays_silent() -> None:
    """Levels are relative to the loudest value, and silence stays silent."""
    translation = Translation(FINE, COARSE, excerpt_seconds=SECONDS)
    levels = build_front_end(FINE)(music(1, seconds=SECONDS), RATE)
    quieter = (levels - 0.05).clamp(min=0)
    is_heard = translation(levels) > 0.1
    assert torch.allclose(translation(quieter)[is_heard], translation(levels)[is_heard], atol=0.01)
    assert translation(torch.zeros_like(levels)).max() == 0


@given(st.integers(1, 400), st.integers(10, 120), st.integers(10, 120))
@example(n_after=1, source=100, target=20)
def test_the_least_columns_are_the_least(n_after: int, source: int, target: int) -> None:
    """They are enough, and one fewer is not."""
    translation = Translation(
        dataclasses.replace(COARSE, n_bins=4, n_columns=source),
        dataclasses.replace(COARSE, n_bins=4, n_columns=target),
        excerpt_seconds=SECONDS,
    )
    least = translation.least_columns(n_after)
    assert translation.columns_after(least) >= n_after
    assert least == 1 or translation.columns_after(least - 1) < n_after


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ({"kind": "mfcc"}, {}, "mfcc cannot be translated to log-mel"),
        ({}, {"kind": "log-frequency"}, "cannot be translated to log-frequency"),
        ({"normalisation": "clip"}, {}, "front_end.normalisation is 'clip'"),
        ({}, {"normalisation": "running"}, "only its own front end can give"),
        ({}, {"reference": "absolute"}, "only its own front end can give"),
    ],
)
def test_what_cannot_be_translated_is_refused(
    source: dict[str, Any], target: dict[str, Any], message: str
) -> None:
    """The message names the setting."""
    with pytest.raises(ConfigError, match=message):
        Translation(
            dataclasses.replace(COARSE, **source),
            dataclasses.replace(COARSE, **target),
            excerpt_seconds=SECONDS,
        )
