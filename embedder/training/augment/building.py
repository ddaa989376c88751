"""Build the augmentation of a batch from the settings."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from embedder.config.batches import AugmentationConfig
from embedder.config.model import FrontEndConfig
from embedder.errors import ConfigError
from embedder.training.augment import spectrogram, waveform

Operation = Callable[..., Tensor]
"""(batch, *, generator) to a batch of the same shape."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """Operations in order, each on every example with a probability; then a crop of columns."""

    operations: tuple[Operation, ...]
    probability: float
    crop_columns: int

    def __call__(self, batch: Tensor, *, generator: torch.Generator) -> Tensor:
        """batch: [batch, rows, columns] or [batch, samples]. The same seed gives the same batch."""
        for operation in self.operations:
            changed = operation(batch, generator=generator)
            if self.probability < 1.0:
                size = (len(batch),) + (1,) * (batch.dim() - 1)
                draws = spectrogram.uniform(size, 0.0, 1.0, generator=generator, like=batch)
                changed = torch.where(draws < self.probability, changed, batch)
            batch = changed
        if self.crop_columns:
            return spectrogram.crop_columns(batch, n_columns=self.crop_columns, generator=generator)
        return batch


def build_augmentation(
    config: AugmentationConfig, front_end: FrontEndConfig, *, on_waveforms: bool = False
) -> Augmentation:
    """Operations with a strength above zero, for spectrograms or for waveforms."""
    _check(config, on_waveforms=on_waveforms)
    operations = (
        _waveform_operations(config)
        if on_waveforms
        else _spectrogram_operations(config, front_end.level_per_db)
    )
    used = tuple(operation for strength, operation in operations if strength)
    if config.probability == 0.0:
        used = ()
    return Augmentation(used, config.probability, 0 if on_waveforms else config.crop_columns)


def _spectrogram_operations(
    config: AugmentationConfig, level_per_db: float
) -> list[tuple[float, Operation]]:
    c, per_db = config, level_per_db
    sp = spectrogram
    return [
        (c.mix_up, partial(sp.mix_up, share=c.mix_up)),
        (c.gain_db, partial(sp.gain, db=c.gain_db, level_per_db=per_db)),
        (c.tilt_db, partial(sp.tilt, db=c.tilt_db, level_per_db=per_db)),
        (c.equaliser_db, partial(sp.equalise, db=c.equaliser_db, level_per_db=per_db)),
        (c.noise, partial(sp.noise, deviation=c.noise)),
        (c.time_shift_share, partial(sp.shift_columns, share=c.time_shift_share)),
        (c.frequency_shift_rows, partial(sp.shift_rows, rows=c.frequency_shift_rows)),
        (c.bandwidth_limit_share, partial(sp.limit_bandwidth, share=c.bandwidth_limit_share)),
        (
            c.time_masks * c.time_mask_share,
            partial(sp.mask_columns, n_masks=c.time_masks, longest_share=c.time_mask_share),
        ),
        (
            c.frequency_masks * c.frequency_mask_share,
            partial(sp.mask_rows, n_masks=c.frequency_masks, longest_share=c.frequency_mask_share),
        ),
    ]


def _waveform_operations(config: AugmentationConfig) -> list[tuple[float, Operation]]:
    c, wave = config, waveform
    return [
        (c.pitch_semitones, partial(wave.change_pitch, semitones=c.pitch_semitones)),
        (c.tempo_share, partial(wave.change_tempo, share=c.tempo_share)),
        (c.mix_up, partial(wave.mix_up, share=c.mix_up)),
        (c.time_shift_share, partial(wave.shift_in_time, share=c.time_shift_share)),
        (
            c.equaliser_db + c.tilt_db,
            partial(wave.equalise, bands_db=c.equaliser_db, tilt_db=c.tilt_db),
        ),
        (c.noise, partial(wave.noise, share=c.noise)),
        (c.gain_db, partial(wave.gain, db=c.gain_db)),
    ]


def _check(config: AugmentationConfig, *, on_waveforms: bool) -> None:
    shares = {
        "probability": config.probability,
        "time_mask_share": config.time_mask_share,
        "frequency_mask_share": config.frequency_mask_share,
        "time_shift_share": config.time_shift_share,
        "bandwidth_limit_share": config.bandwidth_limit_share,
    }
    for name, value in shares.items():
        if not 0.0 <= value <= 1.0:
            raise ConfigError(f"augmentation.{name} = {value}: must be between 0 and 1")
    if not 0.0 <= config.mix_up < 0.5:
        raise ConfigError(
            f"augmentation.mix_up = {config.mix_up}: must be at least 0 and below 0.5, "
            "so that the louder track keeps the target"
        )
    if not on_waveforms and (config.pitch_semitones or config.tempo_share):
        raise ConfigError(
            "augmentation.pitch_semitones and tempo_share need audio; on spectrograms use "
            "frequency_shift_rows and time_shift_share"
        )
