"""Where sound comes from: a file, a pipe, a microphone."""
