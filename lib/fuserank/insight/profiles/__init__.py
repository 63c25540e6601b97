"""Numbers of one user, one item, one shop."""
