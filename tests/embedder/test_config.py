"""Settings: merging, checking, and TOML."""

import dataclasses
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from embedder.config.loading import configure, from_dict, read_toml, to_dict, to_toml
from embedder.config.model import BackboneConfig, ExcerptConfig, FrontEndConfig, ModelConfig
from embedder.config.training import TrainingConfig
from embedder.errors import ConfigError

CONFIGS = st.builds(
    ModelConfig,
    excerpts=st.builds(
        ExcerptConfig,
        n_excerpts=st.integers(1, 100),
        excerpt_seconds=st.floats(0.1, 60.0),
        placement=st.sampled_from(["spread", "centre", "start"]),
    ),
    front_end=st.builds(
        FrontEndConfig,
        kind=st.sampled_from(["log-mel", "cqt", "waveform"]),
        floor_db=st.floats(-120.0, -20.0),
    ),
    backbone=st.builds(
        BackboneConfig, filters=st.lists(st.integers(1, 512), min_size=1).map(tuple)
    ),
    embedding_size=st.integers(1, 1024),
)


@given(config=CONFIGS)
def test_toml_round_trip_keeps_every_setting(config: ModelConfig) -> None:
    """A configuration written as TOML is read back equal."""
    assert from_dict(ModelConfig, tomllib.loads(to_toml(config))) == config


@given(config=CONFIGS)
def test_dict_round_trip_keeps_every_setting(config: ModelConfig) -> None:
    """A configuration written as dicts is read back equal."""
    assert from_dict(ModelConfig, to_dict(config)) == config


def test_later_sources_win(tmp_path: Path) -> None:
    """Assignments override the file, and the file overrides the preset."""
    toml = tmp_path / "mine.toml"
    toml.write_text("embedding_size = 64\n[backbone]\nkernel = 5\ndropout = 0.1\n")
    preset = ModelConfig(geometry="euclidean")
    config = configure(preset, toml=toml, assignments=["backbone.kernel=7", "embedding_size=32"])
    assert config.backbone == dataclasses.replace(BackboneConfig(), kernel=7, dropout=0.1)
    assert config.embedding_size == 32
    assert config.geometry == "euclidean"


@pytest.mark.parametrize(
    ("assignment", "message"),
    [
        ("backbone.kernal=5", "unknown setting 'kernal'. Did you mean kernel"),
        ("front_end.kind=log-mell", "use log-mel, log-frequency"),
        ("backbone=3", "backbone = 3: give a table of settings"),
        ("backbone.filters=3", "filters = 3: give a list"),
        ('backbone.filters=["a"]', r"filters\[0\] = 'a': give a whole number"),
        ("embedding_size=x", "settings.embedding_size = 'x': give a whole number"),
        ("embedding_size=true", "embedding_size = True: give a whole number"),
        ("embedding_size=1.5", "embedding_size = 1.5: give a whole number"),
        ("backbone.dropout=x", "dropout = 'x': give a number"),
        ("embedding_size", "write key=value"),
        ("a b=1", "write key=value"),
    ],
)
def test_a_wrong_setting_names_what_is_valid(assignment: str, message: str) -> None:
    """The error has a hint at the right setting."""
    with pytest.raises(ConfigError, match=message):
        configure(ModelConfig(), assignments=[assignment])


def test_whole_numbers_serve_as_floats() -> None:
    """`excerpt_seconds=3` means 3.0."""
    config = configure(ModelConfig(), assignments=["excerpts.excerpt_seconds=3"])
    assert isinstance(config.excerpts.excerpt_seconds, float)


@pytest.mark.parametrize("content", [b"a = ", b"\xff\xfe\x00"])
def test_a_file_that_is_not_toml_is_named(tmp_path: Path, content: bytes) -> None:
    """The error names the file."""
    broken = tmp_path / "broken.toml"
    broken.write_bytes(content)
    with pytest.raises(ConfigError, match=r"broken\.toml: not a TOML file"):
        read_toml(broken)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    """The error names the missing TOML file."""
    with pytest.raises(ConfigError, match=r"absent\.toml: No such file"):
        read_toml(tmp_path / "absent.toml")


def test_a_number_serves_as_the_name_of_a_choice() -> None:
    """`precision=32` selects the choice named "32"."""
    config = configure(TrainingConfig(), assignments=("loop.precision=32",))
    assert config.loop.precision == "32"
