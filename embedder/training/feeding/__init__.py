"""Where training takes its crops from: caches, files as they are, frozen vectors."""
