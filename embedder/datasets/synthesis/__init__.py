"""Synthesised songs of several styles and artists, for the demo, tests and benchmarks."""
