"""The settings of a library: texts by name, each with a checksum."""

import zlib
from collections.abc import Callable
from typing import TypeVar

from embedder.errors import CorruptArtefact, SoundalikeError
from index.catalogue.database import Database

PARSING_FAILED = (
    *(ValueError, TypeError, LookupError, AttributeError, RecursionError),
    SoundalikeError,
)
Setting = TypeVar("Setting")


class SettingRows:
    """Settings, for a catalogue to inherit.

    The checksum of a setting is a row of the same table. Settings that an older version wrote have
    none.
    """

    database: Database

    def setting(self, key: str) -> str | None:
        """A setting's text; None if it was never set."""
        rows = self.database.rows("SELECT value FROM settings WHERE key = ?", (key,))
        return str(rows[0][0]) if rows else None

    def parsed_setting(
        self, key: str, parse: Callable[[str], Setting], *, advice: str
    ) -> Setting | None:
        """A setting's value; None if it was never set. Raises CorruptArtefact if it is damaged."""
        text = self.setting(key)
        if not text:
            return None
        damaged = f"{self.database.path}: its setting {key!r} is damaged. {advice}"
        if self.setting(_checksum_key(key)) not in (None, _checksum(text)):
            raise CorruptArtefact(damaged)
        try:
            return parse(text)
        except PARSING_FAILED as error:
            raise CorruptArtefact(damaged) from error

    def set_setting(self, key: str, value: str) -> None:
        """Set or replace a setting."""
        self.database.run_many(
            "INSERT OR REPLACE INTO settings VALUES (?, ?)",
            [(key, value), (_checksum_key(key), _checksum(value))],
        )


def _checksum_key(key: str) -> str:
    return f"checksum of {key}"


def _checksum(text: str) -> str:
    return f"{zlib.crc32(text.encode('utf-8', 'surrogatepass')):08x}"
