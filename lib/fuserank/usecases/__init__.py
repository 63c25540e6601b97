"""What a command does: reads lakes, returns results, prints nothing."""
