"""Spark jobs, one a stage of the chain; each reads tables, computes by a stage and writes tables."""
