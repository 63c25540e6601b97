"""Rankers: torch models of samples, under one contract."""
