"""The grammar of a shop's files: how columns become events, items, users."""
