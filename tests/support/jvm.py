"""How a JVM runs that lives for minutes and sees few rows."""

# The first compiler alone: the second one's code pays where a loop runs long, and until then takes as much time of the
# processors as all of Spark (measured: the same twelve tests in 93 s instead of 137, on two busy cores).
SHORT_LIVED = "-XX:TieredStopAtLevel=1"
_FEW_ROWS = {
    # Code made for each query pays from some 100,000 rows on; `make smoke` and the slower proofs run with it.
    "spark.sql.codegen.wholeStage": "false",
    # Nor does code made for each expression: a plan is walked once or twice here, and its code compiled for that.
    "spark.sql.codegen.factoryMode": "NO_CODEGEN",
    # The plan as text goes into an event of every query, for a page that nobody opens.
    "spark.sql.ui.explainMode": "simple",
    # A tiny table makes one task rather than one for each core.
    "spark.sql.leafNodeDefaultParallelism": "1",
    # What is kept of tables and queries for pages that nobody opens: a thousand lakes
    # fill the heap, and then it is only cleaned.
    "spark.databricks.delta.delta.log.cacheSize": "64",
    "spark.sql.ui.retainedExecutions": "4",
    "spark.ui.retainedJobs": "20",
    "spark.ui.retainedStages": "20",
    "spark.ui.retainedTasks": "1000",
}
OF_TESTS = " ".join([SHORT_LIVED, *(f"-D{key}={value}" for key, value in _FEW_ROWS.items())])
# Two tasks at once, whatever cores the machine has: each of the two workers has one, and some tests need two slots.
TWO_SLOTS = "--master local[2] pyspark-shell"
