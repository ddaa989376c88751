"""Where answers go: files of labels, Open Sound Control, programs."""
