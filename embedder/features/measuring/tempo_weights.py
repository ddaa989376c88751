"""Weights of the tempo estimate, fitted by `benchmarks/measured_values.py FOLDER --fit`."""

WEIGHTS = (
    (0.723, -0.037),
    (1.298, 0.229),
    (-1.272, -1.838),
    (1.812, -1.956),
    (0.66, -0.312),
    (2.822, 1.085),
    (-1.486, -5.282),
    (1.606, 1.907),
    (1.427, 4.02),
    (2.593, 1.574),
    (2.162, 6.798),
    (0.54, -0.326),
    (0.017, 2.506),
)
"""For each multiple of the beat: all bands, the bass."""
PRIOR = (0.343, -1.757, 0.575)
"""Of the octaves above 120, their square and their cube."""
