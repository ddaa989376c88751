"""A file for each style of music: tempo, chords, instruments, rhythm and production."""
