"""Parts of one job each, too long to stand in it."""
