"""Arrays in, numbers out: retrieval, votes, tags, hubness, calibration, intervals."""
