"""Faults of whole processes: kills, full disks, two processes at once, files that change."""
