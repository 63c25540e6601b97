# Databricks notebook source
# MAGIC %md
# MAGIC # 1 · The lake
# MAGIC A shop's events go in at one end and a ranking comes out at the other; everything between is a Delta table. Each
# MAGIC step of the chain reads some tables and writes others:
# MAGIC
# MAGIC     sources → bronze → silver → features → candidates → samples → models → scores → fusion → ranking
# MAGIC
# MAGIC * **bronze**: the files as they came, row by row.
# MAGIC * **silver**: events, items, users … typed, deduplicated, with the time from which each row was *known*.
# MAGIC * **features … ranking**: made *as of* a day: 00:00 UTC of that day, with nothing that was known later.
# MAGIC * **ops**: the ledger of runs, and the rows that were refused.
# MAGIC
# MAGIC This notebook looks at a lake and changes nothing. Which lake, environment and day: widgets on Databricks (at
# MAGIC the top of the page), elsewhere the environment variables `FUSERANK_LAKE`, `FUSERANK_ENV` and `FUSERANK_AS_OF`.

# COMMAND ----------

import pandas as pd
import plotly.graph_objects as go
from pyspark.sql import functions as F

from fuserank.io.runtime.notebook import explain, look, open_notebook
from fuserank.tables import ALL
from fuserank.tables.ops import QUARANTINE, RUNS
from fuserank.tables.results import RANKING
from fuserank.tables.silver import EVENTS

settings, lake = open_notebook(globals().get("dbutils"))
as_of = settings.as_of
print(f"lake {lake.root}, as of {as_of}, Spark {lake.spark.version}")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What is in it
# MAGIC One row a table. **Grain** says what one row of it stands for. The **version** counts Delta's commits from 0: an
# MAGIC older version can still be read, which is how a model leads back to the very rows that it was trained on. Tables
# MAGIC of single sources (bronze) are left out.

# COMMAND ----------

held = [t for t in ALL if lake.exists(t)]
tables = pd.DataFrame(
    {
        "table": [t.name for t in held],
        "rows": [lake.read(t).count() for t in held],
        "version": [lake.version(t) for t in held],
        "written by": [f"jobs/{t.writer}.py" for t in held],
        "grain": [t.grain for t in held],
    }
)
tables

# COMMAND ----------

# MAGIC %md
# MAGIC The same as a picture; **the axis is logarithmic**, each step is ten times the one before. Candidates and
# MAGIC samples are the large ones: hundreds of items are weighed for every user, on three dates.

# COMMAND ----------

figure = go.Figure()
for layer in dict.fromkeys(t.layer for t in held):
    mine = tables[tables.table.str.startswith(f"{layer}.") & (tables.rows > 0)]
    figure.add_bar(y=mine.table, x=mine.rows, orientation="h", name=layer)
figure.update_xaxes(type="log", title="rows")
figure.update_yaxes(autorange="reversed", categoryorder="array", categoryarray=list(tables.table))
figure.update_layout(template="plotly_white", height=140 + 24 * len(held), bargap=0.25, legend_title="layer")
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## A table is a contract
# MAGIC Every table is declared once, in `lib/fuserank/tables/`: columns with type, **unit** and meaning. Schema,
# MAGIC constraints and documentation are derived from that, so what follows is what Delta holds writers to. Money is in
# MAGIC minor units (cents); a *role* says what an event is to the recommender: `exposure` (it was shown), `feedback`
# MAGIC (somebody acted), `reversal` (it was taken back).

# COMMAND ----------

explain(EVENTS)

# COMMAND ----------

# MAGIC %md
# MAGIC ## Events over time, and the line that nothing crosses
# MAGIC Events a week by type. The dashed line is **as_of**. What lies right of it had not happened yet: no feature,
# MAGIC candidate or model may use it. `fuserank evaluate` alone reads it, to see how good the ranking was. The first
# MAGIC and last week may be cut.

# COMMAND ----------

weekly = (
    lake.read(EVENTS)
    .groupBy(F.to_date(F.date_trunc("week", "event_time")).alias("week"), "event_type", "role")
    .agg(F.count("*").alias("events"))
    .orderBy("week", "event_type")
)
weeks = look(weekly, rows=5000)
figure = go.Figure()
for (kind, role), mine in weeks.groupby(["event_type", "role"]):
    figure.add_scatter(x=mine.week, y=mine.events, name=f"{kind} ({role})", mode="lines")
figure.add_vline(x=str(as_of), line_dash="dash", line_color="#66707a")
figure.update_layout(
    template="plotly_white", height=340, yaxis_title="events a week", yaxis_rangemode="tozero", showlegend=True
)
figure

# COMMAND ----------

# MAGIC %md
# MAGIC `lake.known(table, as_of)` is the one reader that features use. It leaves out what was known later.

# COMMAND ----------

every, known = lake.read(EVENTS).count(), lake.known(EVENTS, as_of).count()
latest = lake.known(EVENTS, as_of).agg(F.max("known_at")).first()[0]
print(f"{every:,} events in the lake; {known:,} were known as of {as_of}, the latest at {latest} UTC")

# COMMAND ----------

# MAGIC %md
# MAGIC ## What was refused
# MAGIC A bad row is never dropped in silence. It goes to `ops.quarantine`, with the rule that it broke, and the rest
# MAGIC goes on.

# COMMAND ----------

refused = (
    lake.read(QUARANTINE).groupBy("source_table", "rule").count().orderBy("source_table", "rule")
    if lake.exists(QUARANTINE)
    else None
)
look(refused) if refused is not None and not refused.isEmpty() else "No row was refused."

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who made it
# MAGIC `ops.runs` is the ledger: each run with its settings' hash, its seed, the Delta version of every table that it
# MAGIC read and wrote, and where the time went. `failed` runs leave the previous ranking in place.

# COMMAND ----------

ledger = lake.read(RUNS).orderBy(F.desc("started_at"))
look(
    ledger.select(
        "run_id", "job", "state", "as_of_date", F.round("seconds", 1).alias("seconds"), "config_hash", "error"
    ),
    rows=10,
)

# COMMAND ----------

# MAGIC %md
# MAGIC Seconds by step of the last whole run. Steps that do not need each other run side by side, so they add up to
# MAGIC more than the run took.

# COMMAND ----------

whole = ledger.where((F.col("job") == "refresh") & (F.col("state") == "succeeded")).limit(1).collect()
figure = go.Figure()
for run in whole:
    stages = sorted(run.stage_seconds.items(), key=lambda stage: stage[1])
    figure.add_bar(y=[name for name, _ in stages], x=[seconds for _, seconds in stages], orientation="h")
    figure.update_layout(title=f"run {run.run_id}: {run.seconds:.0f} s by the clock")
figure.update_layout(template="plotly_white", height=420, xaxis_title="seconds")
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## From a row of the ranking back to its inputs
# MAGIC Each row names its run, each run its versions: the chain can be followed backwards, months later.

# COMMAND ----------

row = lake.read(RANKING, as_of_date=as_of).orderBy("user_index", "rank").first()
run = lake.read(RUNS).where(F.col("run_id") == row.run_id).first()
print(
    f"user {row.user_id}, rank {row.rank}: {row.item_name or row.item_id}, made by run {row.run_id} with models"
    f" {row.model_ids}"
)
pd.DataFrame(sorted(run.versions_read.items()), columns=["table that the run read", "version"])

# COMMAND ----------

# MAGIC %md
# MAGIC Next: **02**, what the chain knows of a user and an item.
