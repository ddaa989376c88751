"""Arrays in, numbers out: retrieval, votes, tags, neighbourhoods, calibration, intervals."""
