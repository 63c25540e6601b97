"""The K rows of each user, with parts and a reason."""
