"""A level meter as text."""

LOWEST_SHOWN_DB = -60.0
METER_CELLS = 20


def level_text(level_db: float) -> str:
    """A meter from -60 to 0 dB, and the number."""
    share = min(max(1 - level_db / LOWEST_SHOWN_DB, 0.0), 1.0)
    n_full = round(share * METER_CELLS)
    return f"[{'█' * n_full}{'·' * (METER_CELLS - n_full)}] {level_db:5.1f} dB"
