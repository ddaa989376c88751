"""One file a style of music: its tempo, chords, instruments, rhythm and production."""
