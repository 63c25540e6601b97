"""What the files hold: columns, kinds, doubts. By DuckDB, without Spark."""
