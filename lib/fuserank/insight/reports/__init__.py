"""Pages and texts: everything that people look at."""
