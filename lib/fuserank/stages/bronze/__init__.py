"""A file's rows as they came."""
