"""A library's folder: opening, locking, upkeep, export."""
