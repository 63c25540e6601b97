"""What several jobs read or write in the same way."""
