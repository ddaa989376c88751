"""Labels written into the tags of audio files, and taken out again."""
