"""Paths in messages and in JSON."""

import json
import os
from pathlib import Path

from embedder.errors import AudioError, printable_path, utf8_text

NOT_UTF8 = os.fsdecode(b"caf\xe9.mp3")


def test_bytes_that_are_not_utf8_are_escaped() -> None:
    """The text can be encoded as UTF-8, and other letters stay the same."""
    assert utf8_text(Path("Björk") / NOT_UTF8) == "Björk/caf\\xe9.mp3"
    assert json.loads(json.dumps(utf8_text(NOT_UTF8)).encode("ascii")) == "caf\\xe9.mp3"


def test_a_path_in_a_message_is_one_line() -> None:
    """Line breaks and terminal codes in a file's name are escaped."""
    assert printable_path("a\nb\x1b[31m.mp3") == "a\\nb\\x1b[31m.mp3"
    assert str(AudioError(NOT_UTF8, "too short")) == "caf\\xe9.mp3: too short"


def test_a_surrogate_that_is_no_byte_can_be_shown() -> None:
    """Messages escape a surrogate, which JSON may contain."""
    assert printable_path("a\ud800b") == "a\\ud800b"
