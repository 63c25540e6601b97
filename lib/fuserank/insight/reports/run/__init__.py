"""The page about one run: quality, sources, rules, users."""
