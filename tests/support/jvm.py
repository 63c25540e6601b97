"""How the JVM of the tests runs: it lives for minutes and sees few rows."""

from fuserank.io.runtime.few_rows import FEW_ROWS, SHORT_LIVED

_OF_MANY_LAKES = {
    # What is kept of tables and queries for pages that nobody opens: a thousand lakes
    # fill the heap, and then it is only cleaned.
    "spark.databricks.delta.delta.log.cacheSize": "64",
    "spark.sql.ui.retainedExecutions": "4",
    "spark.ui.retainedJobs": "20",
    "spark.ui.retainedStages": "20",
    "spark.ui.retainedTasks": "1000",
}
# One task a shuffle, and a plan that is made once instead of again after each of them; `make smoke` and the tests that
# start processes plan as users do.
_PLAIN_PLANS = {
    "spark.sql.adaptive.enabled": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.sources.bucketing.autoBucketedScan.enabled": "false",
}
OF_TESTS = " ".join([SHORT_LIVED, *(f"-D{key}={value}" for key, value in {**FEW_ROWS, **_OF_MANY_LAKES}.items())])
# Two tasks at once, whatever cores the machine has: each of the two workers has one, and some tests need two slots.
TWO_SLOTS = " ".join(["--master local[2]", *(f"--conf {k}={v}" for k, v in _PLAIN_PLANS.items()), "pyspark-shell"])
