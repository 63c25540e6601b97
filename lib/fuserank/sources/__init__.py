"""A shop's files: connected, looked at, read."""
