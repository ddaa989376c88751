"""Tests of what is measured from the sound."""
