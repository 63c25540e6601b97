"""Raters: what stars a user would give an item at a time, learned from ratings."""
