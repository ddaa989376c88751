"""Music from numpy alone: songs of several styles and artists, for demos, tests and benchmarks."""
