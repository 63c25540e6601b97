"""Answers from the online store: what was published, what was done just now, and rules, put together in a process."""
