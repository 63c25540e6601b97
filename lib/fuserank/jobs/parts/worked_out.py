"""Features, samples and logits of some users, worked out each by itself, by the code that needs no Spark: what a batch
writes of all users at once, and what the lake has of these.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import Executor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.common.threads import one_thread
from fuserank.config.mapping.load import load_dataset
from fuserank.history.events import counted_from, with_reversals
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.parts.sample_rows import written_here
from fuserank.jobs.parts.scores_model import artifact, chosen, open_scorer
from fuserank.stages.features.compute import Items, compute
from fuserank.stages.features.lines import READ, lines_of
from fuserank.stages.samples import catalogue
from fuserank.stages.samples.encode import samples_of
from fuserank.stages.samples.facts import OfUsers, facts_of
from fuserank.stages.samples.user_facts import USER_BUCKETS, USER_COLUMNS
from fuserank.stages.scores.scoring import score_shard
from fuserank.tables import features as f
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table


TOLERANCE = 1e-5  # of a logit, or a score of it, worked out twice


@dataclass(frozen=True)
class Stored:
    """What the lake has of some users as of a day."""

    run: Run
    day: dt.date
    users: Sequence[int]

    def rows(
        self,
        table: Table,
        column: str | None = "user_index",
        values: Sequence[int] | None = None,
        *,
        only: Sequence[str] = (),
        **where: Any,
    ) -> pa.Table:
        """Rows of a slice of these users, or with other ``values`` of a column; None: all. Read from files where Python
        can: a plan of Spark for each of a dozen slices takes longer than all the rest. ``only``: columns; none: all.
        """
        import pyarrow as pa
        import pyarrow.dataset as ds
        from pyspark.sql import functions as F

        lake, some = self.run.lake, list(self.users if values is None else values)
        fixed = {"as_of_date", *where}
        names = list(only) or [n for n in table.column_names if n not in table.partition_by or n not in fixed]
        if paths := lake.plain_files(table, as_of_date=self.day, **where):
            condition = None if column is None else ds.field(column).isin(some)
            left = [name for name in table.partition_by if name not in fixed]
            cut = ds.partitioning(pa.schema([(name, pa.string()) for name in left]), flavor="hive")
            return ds.dataset(paths, format="parquet", partitioning=cut).to_table(names, filter=condition)
        frame = lake.read(table, as_of_date=self.day, **where).select(*names)
        return (frame if column is None else frame.where(F.col(column).isin(some))).toArrow()

    def written(self, table: Table, column: str, values: Sequence[int], **where: Any) -> pa.Table:
        """The same of what a source of this run wrote."""
        return self.rows(table, column, values if written_here(self.run, table) else [], **where)

    def hashed(self, rows: pa.Table, of: Callable[[DataFrame], DataFrame]) -> pa.Table:
        """What an expression of Spark makes of a few rows: hashes of texts."""
        return of(self.run.spark.createDataFrame(rows)).toArrow()


@dataclass(frozen=True)
class Made:
    """What came of it: rows of tables of features, and of samples.samples without what has a place there."""

    features: dict[Table, pa.Table]
    samples: pa.Table


def worked_out(run: Run, of: Stored, pool: Executor, until: dt.date | None = None) -> Made:
    """Features and samples of the users, each user by itself.

    :param until: features of what was known before this day, by items, candidates and factors as of ``of.day``; what
        the day's items lack is passed over. None: of ``of.day``
    """
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyspark.sql import functions as F

    lake, day, cfg = run.lake, until or of.day, run.settings
    known = lake.known(EVENTS, day)
    events = with_reversals(known.where(F.col("user_index").isin(list(of.users))), counted_from(reversals(lake, known)))
    dimension = load_dataset(cfg.dataset).dimensions.items
    of_events, of_candidates = pool.submit(events.select(*READ).toArrow), pool.submit(of.rows, CANDIDATES)
    item_rows = of.rows(f.ITEM, None)
    items = Items.of(item_rows, dimension.own_label if dimension else ())
    lines = lines_of(of_events.result())
    if until is not None:
        lines = lines.filter(pc.is_in(lines["item_index"], pa.array(items.item_I, lines["item_index"].type)))
    parts = [compute(of_user(lines, user), day, items, cfg.features) for user in of.users]
    found = {table: [part[table] for part in parts if table in part] for table in f.OF_USERS}
    features = {table: pa.concat_tables(of_table) for table, of_table in found.items() if of_table}
    candidates = of_candidates.result()
    candidates = candidates.filter(pc.is_in(candidates["source"], pa.array(cfg.candidates.sources)))
    return Made(features, _samples(of, features, candidates, item_rows, pool))


def _samples(
    of: Stored, features: dict[Table, pa.Table], candidates: pa.Table, item_rows: pa.Table, pool: Executor
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyspark.sql import functions as F

    own = features[f.USER_ITEM]["item_index"] if f.USER_ITEM in features else pa.chunked_array([[]], pa.int32())
    wanted = pa.chunked_array([*candidates["item_index"].chunks, *own.chunks]).unique()
    of_user = pool.submit(of.written, FACTORS, "index", of.users, side="user")
    some_items = wanted.to_pylist()
    of_item = pool.submit(of.written, FACTORS, "index", some_items, side="item")
    near = pool.submit(of.written, CO_PURCHASE, "item_index", some_items)
    of_stores = pool.submit(of.rows, f.STORE_ITEM, "item_index", some_items)
    store = F.coalesce(F.xxhash64("main_store_id"), F.lit(0)).alias("store")
    named = [name for name in USER_COLUMNS if name in f.DEMOGRAPHICS]
    users = of.rows(f.USER)
    if f.USER in features:  # what is declared of users is no feature of their lines
        mine = features[f.USER].select(["user_index", "main_store_id"])
        users = users.drop(["main_store_id"]).join(mine, "user_index")
    described = of.hashed(
        users, lambda frame: frame.select("user_index", store, *named, *catalogue.buckets(USER_BUCKETS))
    )
    some = of.hashed(item_rows.filter(pc.is_in(item_rows["item_index"], wanted)), catalogue.item_rows)
    stores = pa.array(sorted(set(users["main_store_id"].to_pylist()) - {None}), pa.string())
    sold = of_stores.result()
    sold = of.hashed(sold.filter(pc.is_in(sold["store_id"], stores)), catalogue.store_rows)
    held = catalogue.Catalogue.of(some, sold)
    facts = facts_of(OfUsers(features, candidates, of_user.result(), described))
    scale = of.run.settings.samples.minor_per_major
    return samples_of(facts, held, of_item.result(), near.result(), scale)


def of_user(lines: pa.Table, user: int) -> pa.Table:
    """The rows of one user."""
    import pyarrow.compute as pc

    return lines.filter(pc.equal(lines["user_index"], user))


def logits_of(run: Run, of: Stored, kind: str, samples: pa.Table) -> pa.Table:
    """user_index, item_index, logit by the model that scores as of the day, each user by itself.

    :raises FuserankError: there is no such model
    """
    import pyarrow as pa

    from fuserank.learning.models.inputs import inputs_of

    model = chosen(run, of.day, kind)
    inputs = inputs_of(model.settings)
    with one_thread():
        scorer = open_scorer(artifact(run, model))
        return pa.Table.from_batches([score_shard(of_user(samples, user), inputs, scorer) for user in of.users])
