"""The map of a library: where its tracks lie, how far that can be trusted, and how it is shown."""
