"""What is wrong with a data set or a library: repeats, leaks, broken sound, doubtful labels."""
