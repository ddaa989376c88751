"""Music with labels, in whatever layout it is shared: rows, splits, cached features, crops."""
