"""The composition of batches, and the groups of tracks that count as alike."""
