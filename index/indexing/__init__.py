"""Files in, a library brought up to date: scan, tags, changes, analysis."""
