# Databricks notebook source
# MAGIC %md
# MAGIC # 2 · Features and profiles
# MAGIC A *feature* is a number about a user, an item, or the two together, as of a day. This notebook shows what the
# MAGIC numbers say, and checks one of them against what people then really bought. It reads tables and writes none.

# COMMAND ----------

import numpy as np
import plotly.graph_objects as go
from plotly.subplots import make_subplots
from pyspark.sql import functions as F

from fuserank.io.runtime.notebook import explain, look, open_notebook
from fuserank.tables import features as t
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import ITEM_DICTIONARY, ITEMS, USER_DICTIONARY

settings, lake = open_notebook(globals().get("dbutils"))
as_of = settings.as_of
users, items, pairs = (lake.read(table, as_of_date=as_of) for table in (t.USER, t.ITEM, t.USER_ITEM))
print(
    f"as of {as_of}: {users.count():,} users, {items.count():,} items, {pairs.count():,} pairs of a user and an item"
    " bought"
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## One user's profile
# MAGIC A user in the middle: with the median number of baskets. **Recency** (`since_last_days`), **frequency**
# MAGIC (`baskets_…`) and **monetary** value (`spend_minor`, in cents) are the classic three; **cadence** (`gap_days`)
# MAGIC is the usual time between visits.

# COMMAND ----------

middle = users.agg(F.percentile("baskets_count", 0.5)).first()[0]
chosen = users.orderBy(F.abs(F.col("baskets_count") - F.lit(middle)), "user_index").first()
name = lake.read(USER_DICTIONARY).where(F.col("user_index") == chosen.user_index).first().user_id
print(f"user {name}: {chosen.baskets_count} baskets (the median is {middle:g})")
print(f"last seen {chosen.since_last_days} days before {as_of}, usually every {chosen.gap_days:.1f} days")
explain(t.USER, chosen.asDict())

# COMMAND ----------

# MAGIC %md
# MAGIC What the user cares for: `decayed_60d_count` counts baskets with such an item, and lets each **halve every 60
# MAGIC days**. Habits that ended fade, without a hard edge.

# COMMAND ----------

attributes = lake.read(t.USER_ATTRIBUTE, as_of_date=as_of).where(F.col("user_index") == chosen.user_index)
cares = look(attributes.where(F.col("kind") == "product_type").orderBy(F.desc("decayed_60d_count"), "value"), rows=15)
figure = go.Figure(
    go.Bar(
        y=cares.value,
        x=cares.decayed_60d_count,
        orientation="h",
        customdata=cares.since_last_days,
        hovertemplate="%{y}: %{x:.2f}, last %{customdata} days ago<extra></extra>",
    )
)
figure.update_yaxes(autorange="reversed")
figure.update_layout(
    template="plotly_white", height=420, title=f"product types of user {name}", xaxis_title="decayed baskets"
)
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## All users: how recent, how often
# MAGIC Left: days since the last basket. Most of a healthy shop's users stand near 0, and a long tail has drifted away.
# MAGIC Right: baskets in the last 28 days. Only counts by value reach this page, never the rows of users.

# COMMAND ----------

figure = make_subplots(1, 2, subplot_titles=("days since the last basket", "baskets in 28 days"))
for place, column in enumerate(("since_last_days", "baskets_28d_count"), start=1):
    by_value = look(users.groupBy(column).count().orderBy(column), rows=2000)
    figure.add_bar(x=by_value[column], y=by_value["count"], row=1, col=place)
figure.update_layout(template="plotly_white", height=320, showlegend=False, yaxis_title="users")
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## Items: a few sell most
# MAGIC Items sorted by baskets of the last 84 days, most bought first. The curve shows what share of all baskets the
# MAGIC first x % of them make up. Were all items equal it would be the diagonal; the higher it bows, the longer the
# MAGIC tail, and the easier a recommender can look good by naming bestsellers. That is why the report shows coverage
# MAGIC and long-tail share beside accuracy.

# COMMAND ----------

sold = look(items.groupBy("baskets_84d_count").count().orderBy(F.desc("baskets_84d_count")), rows=100_000)
share_of_items = sold["count"].cumsum() / sold["count"].sum()
baskets = (sold.baskets_84d_count * sold["count"]).cumsum()
share_of_baskets = baskets / max(baskets.iloc[-1], 1)
figure = go.Figure()
figure.add_scatter(x=[0, *share_of_items], y=[0, *share_of_baskets], name="this shop", mode="lines")
figure.add_scatter(x=[0, 1], y=[0, 1], name="all items equal", mode="lines", line_dash="dash", line_color="#b8c0c8")
figure.update_xaxes(title="share of the items, most bought first", tickformat=".0%")
figure.update_yaxes(title="share of the baskets", tickformat=".0%")
figure.update_layout(template="plotly_white", height=340)
figure

# COMMAND ----------

# MAGIC %md
# MAGIC What is rising: `trend_ratio` is the last 28 days against a usual 28 days of the 84 before, both smoothed by 2,
# MAGIC so that an item sold twice does not count as a sensation. 1 is no change.

# COMMAND ----------

names = (
    lake.read(ITEM_DICTIONARY).join(lake.known(ITEMS, as_of), "item_id", "left").select("item_index", "item_id", "name")
)
rising = items.join(names, "item_index", "left").orderBy(F.desc("trend_ratio"), "item_index")
look(
    rising.select(
        "item_id",
        "name",
        F.round("trend_ratio", 2).alias("trend_ratio"),
        "baskets_28d_count",
        "baskets_29_112d_count",
        F.round("price_minor").alias("price_minor"),
        F.round("price_14d_ratio", 2).alias("price_14d_ratio"),
    ),
    rows=10,
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## User and item together: when is it due?
# MAGIC `dueness_ratio` = days since this user last bought this item ÷ the usual days between. **1 is just now**, .2 is
# MAGIC long before, 3 is long overdue, perhaps given up. First how many pairs stand where (all above 4 are in the last
# MAGIC bar).

# COMMAND ----------

step = F.least(F.floor(F.col("dueness_ratio") * 4) / 4, F.lit(4.0))
due = look(pairs.where("dueness_ratio IS NOT NULL").groupBy(step.alias("due")).count().orderBy("due"), rows=100)
figure = go.Figure(go.Bar(x=due.due + 0.125, y=due["count"], width=0.23))
figure.add_vline(x=1, line_dash="dash", line_color="#66707a")
figure.update_layout(template="plotly_white", height=300, xaxis_title="due-ness: 1 is just now", yaxis_title="pairs")
figure

# COMMAND ----------

# MAGIC %md
# MAGIC Now the test: **does it tell anything?** The samples of the split `valid` hold the features of 28 days before
# MAGIC as_of, and a *label*: 1 where the user bought the item in the 28 days after. Below: the share bought by
# MAGIC due-ness, among items bought before. Negative rows were thinned out, so each row counts with its weight. A flat
# MAGIC line would say that the feature is worth nothing. (`pair_due_log1p` is ln(1 + due-ness), which is how a model
# MAGIC likes to read it.)

# COMMAND ----------

valid = lake.read(SAMPLES, as_of_date=as_of, split="valid").where("bought_before = 1")
step = F.least(F.floor(F.expm1("pair_due_log1p") * 4) / 4, F.lit(4.0))
shares = look(
    valid.groupBy(step.alias("due"))
    .agg((F.sum(F.col("label") * F.col("weight")) / F.sum("weight")).alias("bought"), F.count("*").alias("rows"))
    .orderBy("due"),
    rows=100,
)
figure = go.Figure(
    go.Scatter(
        x=shares.due + 0.125,
        y=shares.bought,
        mode="lines+markers",
        customdata=shares.rows,
        marker_size=np.clip(np.sqrt(shares.rows) / 4, 5, 18),
        hovertemplate="due %{x:.2f}: %{y:.1%} bought (%{customdata:,} rows)<extra></extra>",
    )
)
figure.add_vline(x=1, line_dash="dash", line_color="#66707a")
figure.update_yaxes(tickformat=".0%", rangemode="tozero", title="bought in the next 28 days")
figure.update_layout(template="plotly_white", height=340, xaxis_title="due-ness: 1 is just now")
figure

# COMMAND ----------

# MAGIC %md
# MAGIC Next: **03**, how the network learns from such numbers.
