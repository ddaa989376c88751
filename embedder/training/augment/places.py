"""Which augmentations change the audio, and which change the spectrogram.

    audio ──pitch, tempo──▶ front end ──all others──▶ spectrogram
    audio ──────────all of them────────▶ network              waveform front ends

Pitch and tempo need audio: tracks that are decoded while training, or waveforms.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from embedder.config.batches import AugmentationConfig
from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError
from embedder.training.augment.building import Augmentation, build_augmentation

Augment = Callable[..., Tensor]
"""(batch [batch, rows, columns], *, generator) to a batch of the same shape."""


@dataclass(frozen=True, slots=True)
class OnSamples:
    """Changes of waveforms, for inputs of one row."""

    changes: Augmentation

    def __call__(self, batch: Tensor, *, generator: torch.Generator) -> Tensor:
        """batch: float32 [batch, 1, samples]."""
        return self.changes(batch[:, 0], generator=generator)[:, None]


def before_front_end(config: AugmentationConfig, front_end: FrontEndConfig) -> Augmentation | None:
    """Changes of the audio before it becomes a spectrogram; None if there is nothing to do."""
    if front_end.kind == "waveform" or not _needs_audio(config):
        return None
    only = AugmentationConfig(
        probability=config.probability,
        pitch_semitones=config.pitch_semitones,
        tempo_share=config.tempo_share,
    )
    return build_augmentation(only, front_end, on_waveforms=True)


def after_front_end(
    config: AugmentationConfig, front_end: FrontEndConfig, *, is_streamed: bool
) -> Augment:
    """Changes of batches that the source has cropped already."""
    if front_end.kind == "waveform":
        without_crop = replace(config, crop_columns=0)
        return OnSamples(build_augmentation(without_crop, front_end, on_waveforms=True))
    if _needs_audio(config) and not is_streamed:
        raise ConfigError(
            "augmentation.pitch_semitones and tempo_share need audio, and this run reads features "
            "that were computed before: set dataset.cache_gigabytes = 0 to decode while training, "
            "or use frequency_shift_rows and time_shift_share"
        )
    rest = replace(config, crop_columns=0, pitch_semitones=0.0, tempo_share=0.0)
    if front_end.kind == "mfcc" and not rest.is_off:
        raise ConfigError(
            "augmentation of spectrograms does not fit cepstral coefficients (front_end.kind = "
            "'mfcc'): set augmentation.probability = 0, or leave only pitch_semitones and "
            "tempo_share, on audio"
        )
    return build_augmentation(rest, front_end)


def _needs_audio(config: AugmentationConfig) -> bool:
    return bool(config.pitch_semitones or config.tempo_share)
