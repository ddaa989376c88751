"""Behaviour of `index.library_folder`."""
