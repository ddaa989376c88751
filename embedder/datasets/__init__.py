"""Music with labels, in the layouts it is shared in: rows, splits, cached features, crops."""
