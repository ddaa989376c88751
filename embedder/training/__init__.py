"""The training loop: a data set and settings in, a model folder and a report out."""
