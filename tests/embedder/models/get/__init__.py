"""Tests of fetching published encoders."""
