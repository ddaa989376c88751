"""Random draws for a part of a batch are those of the whole batch."""

from dataclasses import replace

import pytest
import torch

from embedder.config.batches import AugmentationConfig
from embedder.config.model import FrontEndConfig
from embedder.datasets import draws
from embedder.datasets.draws import part_generator
from embedder.training.augment.building import build_augmentation

PARTS = (slice(0, 3), slice(3, 4), slice(4, 10))
ALL = AugmentationConfig(
    probability=0.7,
    gain_db=6.0,
    tilt_db=3.0,
    equaliser_db=3.0,
    noise=0.1,
    time_shift_share=0.2,
)
OF_SPECTROGRAMS = replace(
    ALL,
    frequency_shift_rows=2,
    bandwidth_limit_share=0.3,
    time_masks=2,
    time_mask_share=0.2,
    frequency_masks=1,
    frequency_mask_share=0.2,
    crop_columns=9,
)
OF_WAVEFORMS = replace(ALL, pitch_semitones=2.0, tempo_share=0.1)


@pytest.mark.parametrize("on_waveforms", [False, True])
def test_a_part_of_a_batch_is_changed_as_in_the_whole_batch(*, on_waveforms: bool) -> None:
    """Processes that share a batch get the examples that one process would train on."""
    shape = (10, 4096) if on_waveforms else (10, 12, 16)
    batch = torch.rand(shape, generator=torch.Generator().manual_seed(1))
    config = OF_WAVEFORMS if on_waveforms else OF_SPECTROGRAMS
    augment = build_augmentation(config, FrontEndConfig(), on_waveforms=on_waveforms)
    whole = augment(batch, generator=torch.Generator().manual_seed(5))
    parts = [
        augment(
            batch[part], generator=part_generator(5, n_before=part.start, n_after=10 - part.stop)
        )
        for part in PARTS
    ]
    torch.testing.assert_close(torch.cat(parts), whole)


def test_seeds_and_places_of_a_part_are_those_of_the_whole() -> None:
    """Crops of a shared batch start where those of one process do."""
    whole = torch.Generator().manual_seed(3)
    all_seeds = draws.seeds(10, generator=whole)
    places = draws.uniform((2, 10), generator=whole, axis=1)
    for part in PARTS:
        n = part.stop - part.start
        generator = part_generator(3, n_before=part.start, n_after=10 - part.stop)
        assert draws.seeds(n, generator=generator) == all_seeds[part]
        assert torch.equal(draws.uniform((2, n), generator=generator, axis=1), places[:, part])


def test_the_examples_of_a_part_are_mixed_among_themselves() -> None:
    """The order of a part has each of its examples once."""
    for part in PARTS:
        n = part.stop - part.start
        generator = part_generator(3, n_before=part.start, n_after=10 - part.stop)
        assert sorted(draws.permutation(n, generator=generator).tolist()) == list(range(n))
