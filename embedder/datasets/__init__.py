"""Labelled data sets in their published layouts: rows, splits, cached features, crops."""
