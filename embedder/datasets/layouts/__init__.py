"""A file for each layout: how to recognise it, and how to read it into rows."""
