"""The files to run soundalike in containers."""
