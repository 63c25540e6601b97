"""Recommenders in numpy, under one contract."""
