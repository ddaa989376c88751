"""How good a model's neighbours are on a data set or a library, measured without leaks."""
