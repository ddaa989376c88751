"""Tests of the parts of benchmarks that a released model depends on."""
