"""Behaviour of `index.audit`."""
