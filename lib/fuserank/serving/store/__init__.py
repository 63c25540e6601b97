"""The online store: published lists and what goes with them, read by key within microseconds."""
