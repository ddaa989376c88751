"""Texts that once ended in a trace: numbers without end, deep nesting, other encodings."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from embedder.config.loading import configure
from embedder.config.training_presets import TRAINING_PRESETS
from embedder.errors import BadInput, ConfigError, CorruptArtefact
from embedder.models.card import CARD_NAME, Card, read_card, write_card
from embedder.models.get.checkpoint.bundle import read_checkpoint
from embedder.models.get.checkpoint.crc32c import masked_crc32c
from embedder.models.get.checkpoint.table import MAGIC, table_entries
from embedder.models.get.checkpoint.wire import BrokenFile
from index.indexing.cue import parse_cue
from index.playlists.files.xspf import parse_xspf
from index.taste.listens import read_listens
from tests.embedder.models.get.checkpoint_files import HEADER, block, table, varint
from tests.faults.test_fuzzed_parsers import LINES, zipped
from tests.index.vector_library import FINGERPRINT

TINY = TRAINING_PRESETS["tiny"]
MANY, TOO_MANY = "9" * 400, "9" * 5000


@pytest.mark.parametrize("value", ["[" * 3000, TOO_MANY, MANY, "nan", "-inf"], ids=lambda v: v[:4])
def test_a_setting_is_a_finite_number(tmp_path: Path, value: str) -> None:
    """In a TOML file and with `--set`, anything else is a configuration error."""
    path = tmp_path / "settings.toml"
    path.write_text(f"[optimiser]\nlearning_rate = {value}\n")
    with pytest.raises(ConfigError, match=r"settings\.toml"):
        configure(TINY, toml=path)
    with pytest.raises(ConfigError, match="learning_rate"):
        configure(TINY, assignments=[f"optimiser.learning_rate={value}"])


@pytest.mark.parametrize("value", ["NaN", "1e999", MANY])
def test_a_card_has_finite_numbers(tmp_path: Path, value: str) -> None:
    """A temperature that is no number would make every probability NaN without a word."""
    write_card(tmp_path, Card("mine", FINGERPRINT, TINY.model))
    path = tmp_path / CARD_NAME
    path.write_text(path.read_text().replace('"temperature": 1.0', f'"temperature": {value}'))
    with pytest.raises(CorruptArtefact, match="temperature"):
        read_card(tmp_path)


@pytest.mark.parametrize("minutes", [MANY, TOO_MANY])
def test_a_part_that_starts_after_years_is_no_part(minutes: str) -> None:
    """The sheet has no such track, and the scan goes on."""
    sheet = f'FILE "a.flac" WAVE\nTRACK 01 AUDIO\nINDEX 01 {minutes}:00:00\n'
    assert parse_cue(sheet) == []


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-16-be"])
def test_entities_are_refused_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    """A playlist in UTF-16 is not expanded either."""
    name = encoding.removesuffix("-be")
    text = f'<?xml version="1.0" encoding="{name}"?><!DOCTYPE p [<!ENTITY a "A">]><p>&a;</p>'
    with pytest.raises(BadInput, match="entities"):
        parse_xspf(text.encode(encoding), tmp_path)


@pytest.mark.parametrize("time", [MANY, '"²"', '"--5"', "1e999", "[[]]"])
def test_an_impossible_time_costs_one_entry(tmp_path: Path, time: str) -> None:
    """The other entries of a history are read."""
    path = tmp_path / "history.json"
    good = json.dumps({"artist": "a", "title": "b", "time": 5})
    path.write_text(f'[{{"artist": "a", "title": "b", "time": {time}}}, {good}]')
    first, second = read_listens(path)
    assert first is None
    assert second is not None


def test_a_damaged_archive_of_listens_is_bad_input(tmp_path: Path) -> None:
    """Damage in the compressed bytes is a reason, not a trace."""
    archive = bytearray(zipped(LINES))
    start = archive.index(b"listens/1.jsonl") + len(b"listens/1.jsonl")
    archive[start : start + 8] = b"\xff" * 8
    (tmp_path / "history.zip").write_bytes(archive)
    with pytest.raises(BadInput, match=r"history\.zip: cannot be read"):
        list(read_listens(tmp_path / "history.zip"))


def overlapping(n_times: int) -> bytes:
    """A table that names one block again and again; its keys are empty."""
    content = block([(b"", HEADER)])
    data = content + b"\0" + masked_crc32c(content + b"\0").to_bytes(4, "little")
    handles = block([(b"", varint(0) + varint(len(content)))] * n_times)
    handle = varint(len(data)) + varint(len(handles))
    data += handles + b"\0" + masked_crc32c(handles + b"\0").to_bytes(4, "little")
    footer = varint(0) + varint(len(content)) + handle
    return data + footer.ljust(40, b"\0") + MAGIC


@pytest.mark.parametrize("read", [table_entries, lambda data: read_checkpoint(data, b"")])
def test_a_block_that_is_named_twice_is_refused(read: Callable[[bytes], object]) -> None:
    """A file of a megabyte could otherwise take hours."""
    with pytest.raises(BrokenFile, match=r"not in order|overlap"):
        list(read(overlapping(1000)))  # type: ignore[call-overload]  # an iterator, or a dict


def test_a_tensor_of_no_values_and_endless_axes_is_refused() -> None:
    """The product of its axes is right, and numpy cannot make it."""
    sizes = [b"\x08" + varint(size) for size in (0, 2**62, 2**62)]
    shape = b"".join(b"\x12" + varint(len(size)) + size for size in sizes)
    checksum = masked_crc32c(b"").to_bytes(4, "little")
    tensor = b"\x08\x01\x12" + varint(len(shape)) + shape + b"\x35" + checksum
    with pytest.raises(BrokenFile, match="impossible shape"):
        read_checkpoint(table([(b"", HEADER), (b"kernel", tensor)]), b"")
