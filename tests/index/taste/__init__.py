"""Tests of what a listener likes."""
