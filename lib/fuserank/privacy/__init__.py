"""Pseudonyms: keys, where they come from, rows replaced."""
