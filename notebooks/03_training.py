# Databricks notebook source
# MAGIC %md
# MAGIC # 3 · Training and tuning
# MAGIC The neural ranker (FNN) gives every pair of a user and a candidate item the probability of a purchase within 28
# MAGIC days. Users, items and categories become *embeddings* (short vectors that are learned), beside them stand the
# MAGIC numeric features of notebook 2; then come fully connected tanh layers, and a sigmoid. It learns by binary
# MAGIC cross-entropy.
# MAGIC
# MAGIC     T−56 days ──── labels: train ──── T−28 days ──── labels: valid ──── T = as_of ──── evaluate alone reads here
# MAGIC
# MAGIC Features of each window are those of its own start. `train` moves the weights; `valid` says when to stop, and is
# MAGIC what settings may be compared on. **Never tune on the days after as_of**: they stand for the future.
# MAGIC
# MAGIC The search below trains small models for seconds each, in this process and in a temporary folder. Nothing is
# MAGIC registered.

# COMMAND ----------

import json
import random
import tempfile
import time
from pathlib import Path

import pandas as pd
import plotly.graph_objects as go
from pyspark.sql import functions as F

from fuserank.config.settings import changed
from fuserank.io.runtime.notebook import look, open_notebook
from fuserank.jobs.parts.train_task import trial
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.usecases.report import training_of

settings, lake = open_notebook(globals().get("dbutils"))
as_of = settings.as_of

# COMMAND ----------

# MAGIC %md
# MAGIC ## The rows it learns from
# MAGIC **positive share** counts each row with its weight: negative rows were thinned out and stand for several. A
# MAGIC guess that knows nothing but this share p has a log loss of −p·ln p − (1−p)·ln(1−p) *nats* a row: the **loss of
# MAGIC guessing**, which every model has to beat.

# COMMAND ----------

positive = F.sum(F.col("label") * F.col("weight")) / F.sum("weight")
splits = lake.read(SAMPLES, as_of_date=as_of).where("split <> 'rank'").groupBy("split")
rows = splits.agg(
    F.count("*").alias("rows"), F.countDistinct("user_index").alias("users"), positive.alias("positive share")
)
p = F.col("positive share")
look(rows.withColumn("loss of guessing", -p * F.log(p) - (1 - p) * F.log1p(-p)).orderBy("split"))

# COMMAND ----------

# MAGIC %md
# MAGIC ## The model that is registered
# MAGIC `valid_loss` is its log loss on the split valid, in nats a row; lower is better. `valid_ndcg@10` looks at each
# MAGIC user's first ten of the candidates: 1 would be all bought ones on top. `table_versions` says which Delta version
# MAGIC of the samples it saw.

# COMMAND ----------

model = lake.read(MODELS, as_of_date=as_of).where(F.col("kind") == settings.models.use[0]).first()
print(f"{model.model_id}, trained on version {model.table_versions} in run {model.run_id}")
pd.DataFrame(sorted(model.metrics.items()), columns=["number", "value"])

# COMMAND ----------

# MAGIC %md
# MAGIC ## How it learned
# MAGIC The thin line is the loss of single steps: noisy, as each step sees other rows. The points are the validations;
# MAGIC the best one is what was kept. Where the valid loss rises while the training loss still falls, the model has
# MAGIC begun to learn its rows by heart.

# COMMAND ----------

curves = training_of(lake, as_of)[model.kind]
figure = go.Figure()
figure.add_scatter(
    x=[step for step, _ in curves.steps], y=[loss for _, loss in curves.steps], name="step", line_color="#b3bcc4"
)
for name, key in (("training, since the last validation", "train_loss"), ("valid", "valid_loss")):
    at = [v.step for v in curves.validations]
    figure.add_scatter(
        x=at, y=[getattr(v, key) for v in curves.validations], name=name, mode="lines+markers", marker_size=9
    )
figure.update_layout(template="plotly_white", height=340, xaxis_title="step", yaxis_title="log loss (nats a row)")
figure

# COMMAND ----------

# MAGIC %md
# MAGIC ## A small search
# MAGIC Each trial draws a value for each of these settings (from the seed, so the same trials come again) and trains
# MAGIC one epoch on a few shards. A shard is a random 24th of the rows, so the loss on it is that of all rows, but for
# MAGIC noise. **How much noise?** The first two trials have the settings as they stand and differ in nothing but their
# MAGIC seed: what lies closer together than those two is no difference.

# COMMAND ----------

TRIALS, SHARDS = 5, 2
SPACE = {
    "train.learning_rate": [5e-4, 1e-3, 2e-3, 4e-3],
    "model.dropout": [0.0, 0.1, 0.3],
    "model.hidden": [[64, 32], [256, 128, 64]],
    "model.item_dim": [4, 8, 16],
}
draw = random.Random(settings.seed)
drawn = [{name: draw.choice(values) for name, values in SPACE.items()} for _ in range(TRIALS - 2)]
tried = []
for number, values in enumerate([{}, {"seed": settings.seed + 1}, *drawn]):
    other = changed(settings, {"train.epochs": 1, "train.batch": 2048, "train.warmup_steps": 10, **values})
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="fuserank-trial-") as folder:
        best = min(trial(lake, other, SHARDS, Path(folder))["validations"], key=lambda v: v["valid_loss"])
    what = ", ".join(f"{name.split('.')[-1]} {value}" for name, value in values.items()) or "as the settings stand"
    tried.append(
        {
            "trial": number,
            "what": what,
            "train_loss": best["train_loss"],
            "valid_loss": best["valid_loss"],
            "seconds": round(time.monotonic() - started, 1),
        }
    )
tried = pd.DataFrame(tried).sort_values("valid_loss")
tried

# COMMAND ----------

# MAGIC %md
# MAGIC The band is as wide as the two seeds lie apart, on both sides of the better one. A trial inside it is **not**
# MAGIC better or worse.

# COMMAND ----------

seeds = tried[tried.trial < 2].valid_loss
best, noise = seeds.min(), seeds.max() - seeds.min()
figure = go.Figure(go.Scatter(x=tried.valid_loss, y=tried.what, mode="markers", marker_size=12))
figure.add_vrect(x0=best - noise, x1=best + noise, fillcolor="#b8c0c8", opacity=0.3, line_width=0)
figure.update_yaxes(autorange="reversed")
figure.update_layout(template="plotly_white", height=320, xaxis_title="valid loss (nats a row), lower is better")
figure

# COMMAND ----------

won = tried.iloc[0]
clear = won.valid_loss < best - noise
print(f"best: {won.what} ({won.valid_loss:.5f}); the settings as they stand: {best:.5f}, ± {noise:.5f} by the seed")
print(
    "It leads by more than the seed moves: worth a whole run."
    if clear
    else "No trial leads by more than the seed moves."
)

# COMMAND ----------

# MAGIC %md
# MAGIC ## What to do with a setting that leads
# MAGIC One epoch on two shards is a hint, no proof: small data like small models. Try it whole, as of an **earlier**
# MAGIC day and in a lake of its own, `fuserank refresh --lake trial-lake --as-of 2017-10-02 --set
# MAGIC train.learning_rate=0.001`, then `fuserank evaluate` there; what holds up on two such days goes into `conf/`.
# MAGIC The settings in force are these:

# COMMAND ----------

print(
    json.dumps(
        {
            "model": settings.settings_of(model.kind).model_dump(mode="json"),
            "train": settings.training_of(model.kind).model_dump(mode="json"),
        },
        indent=1,
    )
)

# COMMAND ----------

# MAGIC %md
# MAGIC Next: **04**, how the network and the other recommenders become one list.
