"""What each source proposes to each user."""
