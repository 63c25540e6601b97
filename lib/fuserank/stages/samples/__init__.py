"""Flat rows of features for users and candidates."""
