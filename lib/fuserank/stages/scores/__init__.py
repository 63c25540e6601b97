"""Logits of samples by trained models."""
