# Databricks notebook source
# MAGIC %md
# MAGIC # 4 · The fused ranking, and why
# MAGIC Several recommenders have a say, the sources of `candidates.sources`: by default what the user buys again and
# MAGIC again (`repeat`), what goes with it (`co_purchase`), what similar users buy (`als`) and what everybody buys
# MAGIC (`popular`). So have the models of `models.use`, which have read all of them: by default the network (`fnn`).
# MAGIC **Fusion** turns each one's score into a probability (*calibration*), weighs the probabilities, and adds them
# MAGIC up:
# MAGIC
# MAGIC     score = Σ over sources of  weight × calibrated probability        (0 where a source did not name the item)
# MAGIC
# MAGIC So every score can be taken apart again. This notebook does that. It reads tables and writes none.

# COMMAND ----------

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from pyspark.sql import functions as F

from fuserank.insight.reports.run import charts
from fuserank.io.runtime.notebook import look, open_notebook
from fuserank.stages.fusion.fitted import FINAL
from fuserank.tables.results import FITTED, METRICS, RANKING
from fuserank.tables.silver import EVENTS
from fuserank.usecases.report import quality_of

settings, lake = open_notebook(globals().get("dbutils"))
as_of = settings.as_of
ranking = lake.read(RANKING, as_of_date=as_of)
print(f"as of {as_of}: {ranking.select('user_index').distinct().count():,} users, {ranking.count():,} rows")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Who has how much say
# MAGIC The weights are fitted on the label window before as_of (`windows.label_days`, by default 28 days), and sum to
# MAGIC 1. A weight near 0 does not mean that a source is useless: the models read all of them, and what these have
# MAGIC already taken in needs no second vote.

# COMMAND ----------

fitted = lake.read(FITTED, as_of_date=as_of).collect()
sources = sorted((f for f in fitted if f.source != FINAL), key=lambda f: -f.weight)
print(f"method {sources[0].method}; weights sum to {sum(f.weight for f in sources):.6f}")
figure = go.Figure(
    go.Bar(
        y=[charts.called(f.source) for f in sources],
        x=[f.weight for f in sources],
        orientation="h",
        marker_color=[charts.colour(f.source) for f in sources],
        text=[f"{f.weight:.3f}" for f in sources],
    )
)
figure.update_yaxes(autorange="reversed")
figure.update_layout(template="plotly_white", height=300, xaxis_title="weight")
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## From scores to probabilities
# MAGIC Scores of different sources can't be compared: one counts baskets, another multiplies vectors. *Calibration*
# MAGIC learns, for each source, which probability a score has stood for; the curves only rise (or stay level), so no
# MAGIC source's own order is turned round. For a source that is calibrated by rank, the x axis is minus the rank: −1 is
# MAGIC its first item.

# COMMAND ----------

curves = [f for f in fitted if len(f.knots_x) > 1]
figure = make_subplots(
    -(-len(curves) // 3), 3, subplot_titles=[f"{charts.called(f.source)} ({f.scale})" for f in curves]
)
for place, f in enumerate(curves):
    figure.add_scatter(
        x=f.knots_x,
        y=f.knots_y,
        mode="lines+markers",
        marker_size=4,
        line_color=charts.colour(f.source),
        name=f.source,
        row=place // 3 + 1,
        col=place % 3 + 1,
    )
figure.update_yaxes(tickformat=".0%", rangemode="tozero")
figure.update_layout(template="plotly_white", height=240 * -(-len(curves) // 3) + 60, showlegend=False)
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## One user's list
# MAGIC The user whose list has the most kinds of reasons. **probability** is calibrated: of a hundred rows that say 30
# MAGIC %, about thirty are bought within a label window.

# COMMAND ----------

kinds = ranking.groupBy("user_index", "user_id").agg(F.countDistinct("reason_code").alias("kinds"))
user = kinds.orderBy(F.desc("kinds"), "user_index").first()
mine = ranking.where(F.col("user_index") == user.user_index).orderBy("rank").limit(10).collect()
table = pd.DataFrame(
    {
        "rank": [r["rank"] for r in mine],
        "item": [r.item_name or r.item_id for r in mine],
        "probability": [f"{r.probability:.1%}" for r in mine],
        "reason": [r.reason for r in mine],
    }
)
print(f"user {user.user_id}")
table

# COMMAND ----------

# MAGIC %md
# MAGIC **Who put it there:** each bar is a score, cut into the parts of its sources. The parts add up to the score,
# MAGIC exactly but for rounding; the line below the picture says how far off they are at most, over all users (items of
# MAGIC users without a history have no parts).

# COMMAND ----------

figure = go.Figure()
bars = [f"{r['rank']}. {r.item_name or r.item_id}" for r in mine]
for f in sources:
    parts = [r.parts.get(f.source, 0.0) for r in mine]
    if any(parts):
        figure.add_bar(
            y=bars, x=parts, orientation="h", name=charts.called(f.source), marker_color=charts.colour(f.source)
        )
figure.update_yaxes(autorange="reversed")
figure.update_layout(template="plotly_white", height=380, barmode="stack", xaxis_title="score = sum of the parts")
figure

# COMMAND ----------

summed = F.aggregate(F.map_values("parts"), F.lit(0.0), lambda total, part: total + part)
with_parts = ranking.where(F.size("parts") > 0)
off = with_parts.agg(F.max(F.abs(F.col("score") - summed))).first()[0]
print(f"largest |score − sum of parts|: {off:.1e}" if off is not None else "no row has parts")

# COMMAND ----------

# MAGIC %md
# MAGIC ## Why, and on what grounds
# MAGIC A reason rests on **evidence**: events of this user (`event:…`) or items (`item:…`). Take the evidence away and
# MAGIC the row changes; that is tested. Here are the events behind the first row.

# COMMAND ----------

first = mine[0]
print(f"{first.item_name or first.item_id}: {first.reason}")
events = [e.removeprefix("event:") for e in first.evidence if e.startswith("event:")]
grounds = lake.read(EVENTS).where(F.col("event_id").isin(events)).orderBy("event_time")
look(
    grounds.select("event_time", "event_type", "item_id", "quantity", "amount_minor", "session")
) if events else first.evidence

# COMMAND ----------

# MAGIC %md
# MAGIC ## All lists
# MAGIC Left: the reasons given at each rank. Familiar things stand on top, news further down. Right: the mean
# MAGIC probability at each rank; it falls, or the order would not be one by probability.

# COMMAND ----------

by_reason = look(ranking.groupBy("rank", "reason_code").count().orderBy("reason_code", "rank"), rows=5000)
by_rank = look(ranking.groupBy("rank").agg(F.avg("probability").alias("probability")).orderBy("rank"), rows=1000)
figure = make_subplots(1, 2, subplot_titles=("reasons by rank", "mean probability by rank"))
for code, rows in by_reason.groupby("reason_code"):
    figure.add_bar(
        x=rows["rank"], y=rows["count"], name=charts.called(code), marker_color=charts.colour(code), row=1, col=1
    )
figure.add_scatter(x=by_rank["rank"], y=by_rank.probability, mode="lines+markers", showlegend=False, row=1, col=2)
figure.update_layout(template="plotly_white", barmode="stack", height=340)
figure.update_yaxes(title="users", row=1, col=1)
figure.update_yaxes(tickformat=".0%", rangemode="tozero", row=1, col=2)
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## How good
# MAGIC Once the label window from as_of on is known, `fuserank evaluate` compares the lists with what was bought.
# MAGIC **NDCG@10**: 1 is all ten right and in front, 0 is none. The whiskers are 95 % intervals over users: sources
# MAGIC whose whiskers overlap may be equally good. `all` counts every purchase, `new` only items that the user had
# MAGIC never bought, which is much harder.

# COMMAND ----------

metrics = [r.asDict() for r in lake.read(METRICS, as_of_date=as_of).collect()] if lake.exists(METRICS) else []
charts.quality(
    quality_of(metrics), "all"
) if metrics else "Not evaluated yet: run `fuserank evaluate` once the days after as_of are known."

# COMMAND ----------

charts.quality(quality_of(metrics), "new") if metrics else ""

# COMMAND ----------

# MAGIC %md
# MAGIC The same for a terminal: `fuserank recommend USER`, and for a manager: `out/report.html`.
