"""Faults of whole processes: killed, out of disk, two at once, files that change meanwhile."""
