"""Find problems in a data set or a library: repeats, leaks, broken sound, doubtful labels."""
