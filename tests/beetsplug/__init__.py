"""Tests of the plugin for beets."""
