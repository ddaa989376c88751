"""Tests of listening and recording."""
