"""What a run will cost, reckoned before it: rows, bytes, memory, seconds. Plain arithmetic; nothing is opened here."""
