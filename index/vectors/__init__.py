"""The vectors of a library behind one interface: a cache of the catalogue, never the truth."""
