"""One number everywhere: features, samples and logits of some users worked out again, each user by the code that needs
no Spark, and held against what the batch wrote. Features and samples are equal to the bit, logits within 1e-5.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from fuserank.common.draws import draw_users
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
from fuserank.tables.results import ALIASES, MODELS, SCORES
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run
    from fuserank.tables import Table

READS = (EVENTS, *f.TABLES, CANDIDATES, FACTORS, CO_PURCHASE, SAMPLES, MODELS, ALIASES, SCORES)
TOLERANCE = 1e-5
_PAIR = ("user_index", "item_index")
_SHARDS, _READERS = 2, 4
_PLACE = ("position", "shard", "label", "weight")  # of a sample: where it lies, and what no feature tells


def difference(run: Run, as_of: dt.date, lists: DataFrame) -> str | None:
    """What differs, of some users of the ranking; None: nothing does. What could not be looked at is told in a line.

    :param lists: rows of the ranking, as of the day
    """
    count, lake = run.settings.publish.sample_users, run.lake
    if not count:
        return None
    missing = [table.name for table in (f.USER, SAMPLES) if lake.version(table) < 0]
    if missing:
        run.say(f"no sample of users is worked out again: {missing[0]} is not in the lake")
        return None
    users = sorted(row["user_index"] for row in draw_users(lists, count, run.settings.seed).collect())
    of = _Stored(run, as_of, users)
    with ThreadPoolExecutor(_READERS) as pool:
        there = {table: pool.submit(of.rows, table) for table in f.OF_USERS}
        made = _worked_out(run, of, pool)
    for table, rows in there.items():
        if found := first_difference(table.name, table.keys[1:], made.features.get(table), rows.result()):
            return f"{found}; run jobs/features.py --as-of {as_of} and what follows it again"
    if found := _samples_differ(of, made.samples):
        return f"{found}; run jobs/samples.py --as-of {as_of} and what follows it again"
    has_torch = find_spec("torch") is not None  # a scheduler publishes where the smaller environment is
    for kind in run.settings.models.use if has_torch else ():
        if found := _logits_differ(run, of, kind, made.samples):
            return f"{found}; run jobs/scores.py --as-of {as_of} and what follows it again"
    if not has_torch:
        run.say("scores are not worked out again: torch is not installed here")
    run.say(
        f"features, samples{' and scores' if has_torch else ''} of {len(users)} users, each by itself, are those of the"
        f" batch ({made.samples.num_rows:,} candidates)"
    )
    return None


@dataclass(frozen=True)
class _Stored:
    """What the lake has of some users as of a day."""

    run: Run
    day: dt.date
    users: Sequence[int]

    def rows(
        self, table: Table, column: str | None = "user_index", values: Sequence[int] | None = None, **where: Any
    ) -> pa.Table:
        """Rows of a slice of these users, or with other ``values`` of a column; None: all. Read from files where Python
        can: a plan of Spark for each of a dozen slices takes longer than all the rest.
        """
        import pyarrow as pa
        import pyarrow.dataset as ds
        from pyspark.sql import functions as F

        lake, some = self.run.lake, list(self.users if values is None else values)
        fixed = {"as_of_date", *where}
        names = [name for name in table.column_names if name not in table.partition_by or name not in fixed]
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
class _Made:
    features: dict[Table, pa.Table]
    samples: pa.Table


def _worked_out(run: Run, of: _Stored, pool: Executor) -> _Made:
    """Features and samples of the users, each user by itself."""
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyspark.sql import functions as F

    lake, day, cfg = run.lake, of.day, run.settings
    known = lake.known(EVENTS, day)
    events = with_reversals(known.where(F.col("user_index").isin(list(of.users))), counted_from(reversals(lake, known)))
    dimension = load_dataset(cfg.dataset).dimensions.items
    of_events, of_candidates = pool.submit(events.select(*READ).toArrow), pool.submit(of.rows, CANDIDATES)
    item_rows = of.rows(f.ITEM, None)
    items = Items.of(item_rows, dimension.own_label if dimension else ())
    lines = lines_of(of_events.result())
    parts = [compute(_of_user(lines, user), day, items, cfg.features) for user in of.users]
    found = {table: [part[table] for part in parts if table in part] for table in f.OF_USERS}
    features = {table: pa.concat_tables(of_table) for table, of_table in found.items() if of_table}
    candidates = of_candidates.result()
    candidates = candidates.filter(pc.is_in(candidates["source"], pa.array(cfg.candidates.sources)))
    return _Made(features, _samples(of, features, candidates, item_rows, pool))


def _samples(
    of: _Stored, features: dict[Table, pa.Table], candidates: pa.Table, item_rows: pa.Table, pool: Executor
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.compute as pc
    from pyspark.sql import functions as F

    own = features[f.USER_ITEM]["item_index"] if f.USER_ITEM in features else pa.chunked_array([[]], pa.int32())
    wanted = pa.chunked_array([*candidates["item_index"].chunks, *own.chunks]).unique()
    of_user = pool.submit(of.written, FACTORS, "index", of.users, side="user")
    of_item, near, of_stores = (
        pool.submit(read, table, column, wanted.to_pylist(), **where)
        for read, table, column, where in (
            (of.written, FACTORS, "index", {"side": "item"}),
            (of.written, CO_PURCHASE, "item_index", {}),
            (of.rows, f.STORE_ITEM, "item_index", {}),
        )
    )
    store = F.coalesce(F.xxhash64("main_store_id"), F.lit(0)).alias("store")
    named = [name for name in USER_COLUMNS if name in f.DEMOGRAPHICS]
    users = of.rows(f.USER)
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


def _of_user(lines: pa.Table, user: int) -> pa.Table:
    import pyarrow.compute as pc

    return lines.filter(pc.equal(lines["user_index"], user))


def _samples_differ(of: _Stored, samples: pa.Table) -> str | None:
    """In the first shards: candidates are dealt to shards by hash, and scores are compared of all of them."""
    import pyarrow as pa

    stored = pa.concat_tables([of.rows(SAMPLES, split="rank", shard=shard) for shard in range(_SHARDS)])
    made = samples.join(stored.select(_PAIR), list(_PAIR), join_type="left semi")
    return first_difference(SAMPLES.name, _PAIR, made, stored, _PLACE)


def _logits_differ(run: Run, of: _Stored, kind: str, samples: pa.Table) -> str | None:
    import pyarrow as pa

    from fuserank.learning.models.inputs import inputs_of

    model = chosen(run, of.day, kind)
    inputs = inputs_of(model.settings)
    with one_thread():
        scorer = open_scorer(artifact(run, model))
        made = pa.Table.from_batches([score_shard(_of_user(samples, user), inputs, scorer) for user in of.users])
    stored = of.rows(SCORES, split="rank", kind=kind)
    return first_difference(f"{SCORES.name} of {kind}", _PAIR, made, stored, within=TOLERANCE)


def first_difference(
    name: str,
    keys: Sequence[str],
    made: pa.Table | None,
    stored: pa.Table,
    but: Collection[str] = (),
    within: float = 0.0,
) -> str | None:
    """The first cell that differs, in words; None: none does.

    :param made: columns of ``stored`` that are compared, in any order of rows; None: no row
    :param but: columns that are not compared
    :param within: how far apart numbers may be
    """
    if made is None or made.num_rows != stored.num_rows:
        alone = 0 if made is None else made.num_rows
        return f"{name} has {stored.num_rows:,} rows of these users, and by themselves they have {alone:,}"
    order = [(key, "ascending") for key in keys]
    made, stored = made.sort_by(order).combine_chunks(), stored.sort_by(order).combine_chunks()
    for column in (*keys, *(c for c in made.column_names if c not in (*keys, *but, "as_of_date"))):
        ours, theirs = made[column].cast(stored[column].type), stored[column]
        if ours.equals(theirs):
            continue
        for row, (mine, other) in enumerate(zip(ours.to_pylist(), theirs.to_pylist(), strict=True)):
            if mine != other and not (within and abs(mine - other) <= within):
                at = ", ".join(f"{key} {stored[key][row].as_py()}" for key in keys)
                return f"{name}: {column} of {at} is {other} in the lake, and {mine} for the user by itself"
    return None
