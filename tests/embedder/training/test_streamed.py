"""Prepared features, crops, and streaming."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from embedder.audio import decoders
from embedder.audio.excerpts import load_excerpts
from embedder.config.batches import AugmentationConfig
from embedder.config.dataset import DatasetConfig
from embedder.config.model import ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.config.training import TrainingConfig
from embedder.datasets.dataset import Dataset
from embedder.datasets.opening import open_dataset
from embedder.datasets.prepared import PreparedTracks
from embedder.datasets.preparing import cache_for, prepare_dataset
from embedder.errors import ConfigError, DatasetError, DeadlyAudio
from embedder.features.building import build_front_end
from embedder.training.feeding.sources import open_source
from embedder.training.feeding.streamed import StreamedTracks
from tests.embedder.datasets.dataset_miniatures import (
    MINIATURES,
    SAMPLE_RATE,
    folders,
    spectrogram,
    spectrograms,
    waveforms,
)
from tests.embedder.encoding.deadly_ffmpeg import deadly_site

MODEL = ModelConfig(
    excerpts=ExcerptConfig(n_excerpts=2, excerpt_seconds=0.4, min_seconds=0.1),
    front_end=FrontEndConfig(
        sample_rate=SAMPLE_RATE, fft_size=256, hop_samples=128, n_bins=16, normalisation="clip"
    ),
)


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return folders(tmp_path_factory.mktemp("music"))


@pytest.fixture(scope="module")
def dataset(music: Path) -> Dataset:
    return open_dataset(music)


@pytest.fixture(scope="module")
def prepared(dataset: Dataset) -> PreparedTracks:
    return prepare_dataset(dataset, MODEL)


def test_prepared_levels_are_those_of_the_front_end(
    dataset: Dataset, prepared: PreparedTracks
) -> None:
    """Stored levels equal the front end's to half a step of 255, without normalisation."""
    path = dataset.rows[5].path
    assert path is not None
    excerpts = load_excerpts(path, replace(MODEL.excerpts, n_excerpts=75), sample_rate=SAMPLE_RATE)
    levels = build_front_end(MODEL.front_end).levels(
        torch.from_numpy(excerpts.samples), excerpts.sample_rate
    )
    torch.testing.assert_close(prepared.excerpts(5), levels, atol=0.51 / 255, rtol=0)


def test_every_part_of_a_track_is_covered(prepared: PreparedTracks) -> None:
    """One second has three excerpts of 0.4 seconds, not only the model's two."""
    assert np.diff(prepared.first_items).tolist() == [3] * 12


def test_second_preparation_reads_the_cache(dataset: Dataset, tmp_path: Path) -> None:
    """The second time, nothing is computed and the result is the same, for any workers."""
    first = prepare_dataset(dataset, MODEL, cache=cache_for(tmp_path, MODEL))
    cache = cache_for(tmp_path, MODEL)
    second = prepare_dataset(dataset, MODEL, cache=cache, workers=3)
    np.testing.assert_array_equal(first.spectrograms, second.spectrograms)
    assert (cache.counts.hits, cache.counts.misses) == (12, 0)


def test_cache_holds_for_any_normalisation_and_no_other_setting() -> None:
    """Every setting of the front end but normalisation changes the cache's key."""
    folder = Path("never written to")

    def digest(**changes: object) -> str:
        front_end = replace(MODEL.front_end, **changes)  # type: ignore[arg-type]  # any setting
        return cache_digest(replace(MODEL, front_end=front_end))

    def cache_digest(model: ModelConfig) -> str:
        return cache_for(folder, model).settings_digest

    assert digest(normalisation="none") == digest()
    assert len({digest(), digest(n_bins=17), digest(floor_db=-60.0), digest(kind="mfcc")}) == 4
    longer = replace(MODEL, excerpts=replace(MODEL.excerpts, excerpt_seconds=0.5))
    assert cache_digest(longer) != cache_digest(MODEL)


def test_broken_files_are_reported_and_left_out(music: Path, tmp_path: Path) -> None:
    """An unreadable file is left out with its reason."""
    path = folders(tmp_path)
    broken = path / "blues" / "song 2.flac"
    broken.write_bytes(b"this is no music at all" * 10)
    ready = prepare_dataset(open_dataset(path), MODEL)
    assert (len(ready), len(ready.failures)) == (11, 1)
    assert ready.failures[0].path == broken
    assert 2 not in ready.dataset_rows
    assert ready.rows[2].path == path / "blues" / "song 3.flac"


def test_nothing_readable_is_an_error(tmp_path: Path) -> None:
    """The error names the first broken file and its reason."""
    path = folders(tmp_path)
    for file in path.rglob("*.flac"):
        file.write_bytes(b"nothing")
    with pytest.raises(DatasetError, match=r"none of the 12 tracks can be read.*song 0.flac"):
        prepare_dataset(open_dataset(path), MODEL)


def test_progress_counts_to_the_end(dataset: Dataset) -> None:
    """Progress is reported for every track."""
    progress: list[tuple[int, int]] = []
    prepare_dataset(
        dataset, MODEL, on_progress=lambda n_done, total: progress.append((n_done, total))
    )
    assert progress == [(number, 12) for number in range(1, 13)]


def test_beyond_memory_features_lie_in_a_file(dataset: Dataset, prepared: PreparedTracks) -> None:
    """Above the memory limit, features are memory-mapped and equal."""
    mapped = prepare_dataset(dataset, MODEL, max_ram_bytes=1000)
    assert isinstance(mapped.spectrograms, np.memmap)
    np.testing.assert_array_equal(mapped.spectrograms, prepared.spectrograms)


def test_stored_spectrograms_are_used_unchanged(tmp_path: Path) -> None:
    """Spectrograms of a data set need no audio; their levels are 255ths."""
    model = replace(MODEL, front_end=replace(MODEL.front_end, n_bins=6))
    ready = prepare_dataset(open_dataset(spectrograms(tmp_path)), model, crop_columns=4)
    expected = torch.from_numpy(spectrogram(7)).float()[None] / 255
    torch.testing.assert_close(ready.excerpts(7), expected)
    with pytest.raises(DatasetError, match=r"have 6 rows, the model's front end makes 16"):
        prepare_dataset(open_dataset(tmp_path), MODEL)


def test_stored_waveforms_go_through_the_front_end(
    tmp_path: Path, prepared: PreparedTracks
) -> None:
    """They give the features of a file with the same samples, but for rounding."""
    ready = prepare_dataset(
        open_dataset(waveforms(tmp_path)), MODEL, cache=cache_for(tmp_path / "cache", MODEL)
    )
    by_name = {row.path.stem.split()[-1]: i for i, row in enumerate(prepared.rows) if row.path}
    from_file = prepared.excerpts(by_name["4"])
    difference = (ready.excerpts(4) - from_file).abs()
    assert float(difference.mean()) < 0.01


def test_mixed_rates_need_a_width(dataset: Dataset) -> None:
    """Native rates without a number of columns have no common width."""
    model = replace(MODEL, front_end=replace(MODEL.front_end, sample_rate=0))
    with pytest.raises(ConfigError, match="Set one of the two"):
        prepare_dataset(dataset, model)


def test_crops_are_stretches_of_their_track(prepared: PreparedTracks) -> None:
    """Every crop is part of an item of its track, and every position occurs."""
    narrow = replace(prepared, crop_columns=5)
    rows = np.repeat(np.arange(12), 40)
    crops = narrow.crops(rows, generator=torch.Generator().manual_seed(1))
    assert crops.shape == (480, 16, 5)
    places: set[tuple[int, ...]] = set()
    for row, crop in zip(rows.tolist(), crops, strict=True):
        windows = prepared.excerpts(row).unfold(2, 5, 1)  # [items, rows, starts, 5]
        equal = (windows == crop[None, :, None, :]).all(dim=3).all(dim=1)
        assert equal.any()
        places.update(map(tuple, equal.nonzero().tolist()))
    n_starts = prepared.spectrograms.shape[2] - 5 + 1
    assert places == {(item, start) for item in range(3) for start in range(n_starts)}


@pytest.mark.parametrize("is_streamed", [False, True])
def test_crops_depend_on_the_generator_alone(
    dataset: Dataset, prepared: PreparedTracks, is_streamed: bool
) -> None:
    """Equal seeds give equal crops, whatever was drawn before."""
    source = StreamedTracks(dataset, MODEL) if is_streamed else replace(prepared, crop_columns=5)
    first, again, other_seed = (
        source.readable_crops(np.array([4, 0, 4]), generator=torch.Generator().manual_seed(seed))[1]
        for seed in (3, 3, 4)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other_seed)


def test_streamed_crops_have_the_shape_of_an_excerpt(dataset: Dataset) -> None:
    """Two crops of a track differ and are as long as an excerpt of inference."""
    source = StreamedTracks(dataset, MODEL)
    _, crops = source.readable_crops(np.array([3, 3, 0]), generator=torch.Generator())
    assert crops.shape == (3, *source.excerpts(3).shape[1:])
    assert not torch.equal(crops[0], crops[1])


def test_streamed_crops_are_as_wide_as_the_settings_say(dataset: Dataset) -> None:
    """`augmentation.crop_columns` holds for streaming, and excerpts are not cropped."""
    config = TrainingConfig(
        model=MODEL,
        augmentation=AugmentationConfig(crop_columns=5),
        dataset=DatasetConfig(cache_gigabytes=0.0),
    )
    source = open_source(dataset, config)
    _, crops = source.readable_crops(np.array([3, 0]), generator=torch.Generator())
    assert crops.shape == (2, 16, 5)
    plain = open_source(dataset, replace(config, augmentation=AugmentationConfig()))
    assert torch.equal(source.excerpts(3), plain.excerpts(3))


def test_streaming_leaves_out_what_cannot_be_opened(tmp_path: Path) -> None:
    """Files with unreadable headers are left out before the first batch."""
    path = MINIATURES["folders"].make(tmp_path)
    (path / "rock" / "song 7.flac").write_bytes(b"no music")
    source = StreamedTracks(open_dataset(path), MODEL, workers=2)
    assert (len(source), len(source.failures)) == (11, 1)


def test_a_batch_goes_on_without_a_file_that_vanished(tmp_path: Path) -> None:
    """The other tracks of the batch are read, and the file is reported once."""
    path = MINIATURES["folders"].make(tmp_path)
    source = StreamedTracks(open_dataset(path), MODEL)
    (path / "blues" / "song 2.flac").unlink()
    for _ in range(2):
        places, crops = source.readable_crops(np.array([1, 2, 0]), generator=torch.Generator())
        assert places.tolist() == [0, 2]
        assert len(crops) == 2
    assert [failure.path for failure in source.failures] == [path / "blues" / "song 2.flac"]


def test_a_batch_without_a_readable_file_names_the_first(tmp_path: Path) -> None:
    """The message names a broken file of this batch, not one of an earlier batch."""
    path = MINIATURES["folders"].make(tmp_path)
    source = StreamedTracks(open_dataset(path), MODEL)
    for number in (0, 2):
        (path / "blues" / f"song {number}.flac").unlink()
    source.readable_crops(np.array([1, 0]), generator=torch.Generator())
    with pytest.raises(DatasetError, match=r"no track of a batch.*song 2\.flac: no such file"):
        source.readable_crops(np.array([2]), generator=torch.Generator())


def test_waveform_models_get_samples(dataset: Dataset) -> None:
    """A waveform front end gets one row of samples, stored as 16-bit floats."""
    model = replace(MODEL, front_end=FrontEndConfig(kind="waveform", sample_rate=SAMPLE_RATE))
    ready = prepare_dataset(dataset, model)
    assert ready.spectrograms.dtype == np.float16
    assert ready.excerpts(0).shape == (3, 1, 3200)


def test_a_file_that_killed_its_decoder_is_left_out_for_the_rest_of_the_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The other tracks of its batches are read, and it is not decoded again."""
    dataset = open_dataset(folders(tmp_path / "music"))
    decoders.end_early_child()
    monkeypatch.setenv("PYTHONPATH", str(deadly_site(tmp_path / "site")))
    source = StreamedTracks(dataset, MODEL)
    assert not source.failures
    path = source.rows[1].path
    assert path is not None
    mark = Path(f"{path}.deadly")
    mark.touch()
    places, _ = source.readable_crops(np.arange(3), generator=torch.Generator().manual_seed(0))
    assert places.tolist() == [0, 2]
    mark.unlink()
    places, _ = source.readable_crops(np.arange(3), generator=torch.Generator().manual_seed(1))
    assert places.tolist() == [0, 2]
    with pytest.raises(DeadlyAudio, match="the decoder crashed on it"):
        source.excerpts(1)
    assert [failure.path for failure in source.failures] == [path]
