"""What answers while a shop is open: no Spark, no torch."""
