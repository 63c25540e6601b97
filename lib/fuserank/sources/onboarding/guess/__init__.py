"""Which column is what: a mapping with its reasons and rivals."""
