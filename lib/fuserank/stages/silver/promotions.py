"""Promotions: the one large dimension (20.9 M rows in the demo), so its keys are
made unique without a sort of all rows.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

import numpy as np

from fuserank.stages.silver.cells import cells, midnight
from fuserank.stages.silver.problems import Check, first_problem, present, readable, rules
from fuserank.stages.silver.weeks import with_week

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.dataset import DatasetConfig

_KEY = ("item_id", "store_id", "week_start")
_HASH_PARTITIONS = 32


def typed_promotions(bronze: DataFrame, dataset: DatasetConfig) -> DataFrame:
    """Bronze rows with the columns of silver.promotions (but run_id), the envelope, ``_key_hash`` and ``_problem``."""
    from pyspark.sql import functions as F

    mapping = dataset.dimensions.promotions
    assert mapping is not None
    used = set(mapping.columns().values())
    names = used | {r.column for r in dataset.files[mapping.source].rules}
    row = cells(bronze, dataset, mapping.source, names, {mapping.item, mapping.store})
    needed = {"no_item": mapping.item, "no_store": mapping.store, "no_time": mapping.week}
    checks = readable(row, names) + present(row, needed)
    if dataset.files[mapping.source].columns[mapping.week].type == "long":
        frame, start, known = (
            with_week(row.frame, row.cell(mapping.week), dataset),
            F.col("_week_start"),
            F.col("_week_known_at"),
        )
        checks.append(Check(start.isNull(), "week_out_of_range", mapping.week, "no such week; fix weeks.week_1_starts"))
    else:
        frame, start = row.frame, row.cell(mapping.week)
        known = midnight(start, dataset.time_zone)
    if mapping.known_at.column is not None:
        known = row.time(mapping.known_at.column, dataset.time_zone) + F.make_dt_interval(
            F.lit(mapping.known_at.plus_days)
        )
    elif mapping.known_at.since is not None:
        known = midnight(F.lit(mapping.known_at.since), dataset.time_zone)

    def place(name: str | None) -> Column:
        cell = F.lit(None).cast("string") if name is None else row.cell(name).cast("string")
        return F.when(cell != mapping.absent, cell)

    key = [row.raw(c) if "int" in row.found[c] else row.cell(c) for c in (mapping.item, mapping.store)]
    columns = {
        "item_id": row.cell(mapping.item),
        "store_id": row.cell(mapping.store),
        "week_start": start,
        "display_location": place(mapping.display),
        "mailer_location": place(mapping.mailer),
        "known_at": known,
        "_key_hash": F.xxhash64(*key, row.cell(mapping.week)),
        "_problem": first_problem(checks + rules(row)),
        "dataset": F.lit(dataset.name),
    }
    return frame.withColumns(columns).withColumns(_flags())


def one_per_week(good: DataFrame) -> DataFrame:
    """One row per item, store and week: flags are true where any row says so, places are joined by ``+``.

    Keys that come twice are found by a 64-bit hash, sorted within hash partitions; only their rows (12,785 pairs
    of the demo) are grouped, the rest streams through a broadcast anti-join.
    """
    from pyspark.sql import functions as F

    hashes = good.select("_key_hash").repartition(_HASH_PARTITIONS, "_key_hash")
    repeated = F.broadcast(hashes.mapInArrow(_repeated, "_key_hash bigint"))
    names = [*_KEY, "on_display", "in_mailer", "display_location", "mailer_location", "known_at", "dataset"]
    single = good.join(repeated, "_key_hash", "left_anti").select(*names)
    several = good.join(repeated, "_key_hash", "left_semi")
    places = {c: F.concat_ws("+", F.array_sort(F.collect_set(c))) for c in ("display_location", "mailer_location")}
    grouped = several.groupBy(*_KEY).agg(
        *(F.nullif(v, F.lit("")).alias(c) for c, v in places.items()),
        F.min("known_at").alias("known_at"),
        F.min("dataset").alias("dataset"),
    )
    return single.unionByName(grouped.withColumns(_flags()).select(*names))


def _repeated(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """The hashes that come more than once, each once. Memory: the partition's hashes, 8 bytes each."""
    import pyarrow as pa

    hashes = [batch.column(0).to_numpy() for batch in batches]
    ordered = np.sort(np.concatenate(hashes)) if hashes else np.zeros(0, np.int64)
    again = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    yield pa.RecordBatch.from_arrays([pa.array(again)], ["_key_hash"])


def _flags() -> dict[str, Column]:
    from pyspark.sql import functions as F

    return {
        "on_display": F.col("display_location").isNotNull(),
        "in_mailer": F.col("mailer_location").isNotNull(),
    }
