"""Years, months and days as spans of time, in the time zone of this computer."""

import re
from datetime import datetime

_DATE = re.compile(r"(\d{4})(?:-(\d{1,2})(?:-(\d{1,2}))?)?")


def period_of(text: str) -> tuple[int, int] | None:
    """The seconds since 1970 at which `2025`, `2025-06` or `2025-06-30` begins and ends.

    None for any other text.
    """
    match = _DATE.fullmatch(text.strip())
    if match is None:
        return None
    year, month, day = (None if part is None else int(part) for part in match.groups())
    if year is None:
        return None
    try:
        start = datetime(year, month or 1, day or 1).astimezone()
        if month is None:
            end = datetime(year + 1, 1, 1).astimezone()
        elif day is None:
            end = datetime(year + month // 12, month % 12 + 1, 1).astimezone()
        else:
            end = datetime.fromordinal(start.toordinal() + 1).astimezone()
        return int(start.timestamp()), int(end.timestamp())
    except (ValueError, OverflowError, OSError):
        return None
