"""Trained models for people: one, two side by side, all of them."""
