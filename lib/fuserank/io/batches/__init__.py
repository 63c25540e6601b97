"""Readers of training batches."""
