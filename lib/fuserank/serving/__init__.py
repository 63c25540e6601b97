"""What the ranking table looks like to those who ask it; no Spark, no torch."""
