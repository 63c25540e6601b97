"""One number everywhere: features, samples and logits of some users worked out again, each user by the code that needs
no Spark, and held against what the batch wrote. Features and samples are equal to the bit, logits within 1e-5.
"""

from __future__ import annotations

import datetime as dt
from concurrent.futures import ThreadPoolExecutor
from importlib.util import find_spec
from typing import TYPE_CHECKING

from fuserank.common.draws import draw_users
from fuserank.common.errors import FuserankError
from fuserank.jobs.parts.worked_out import TOLERANCE, Stored, logits_of, worked_out
from fuserank.tables import features as f
from fuserank.tables.candidates import CANDIDATES, CO_PURCHASE, FACTORS
from fuserank.tables.results import ALIASES, MODELS, SCORES
from fuserank.tables.samples import SAMPLES
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run

READS = (EVENTS, *f.TABLES, CANDIDATES, FACTORS, CO_PURCHASE, SAMPLES, MODELS, ALIASES, SCORES)
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
    of = Stored(run, as_of, users)
    with ThreadPoolExecutor(_READERS) as pool:
        there = {table: pool.submit(of.rows, table) for table in f.OF_USERS}
        made = worked_out(run, of, pool)
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


def require_scores(run: Run, as_of: dt.date, kind: str) -> None:
    """Score some users' samples of the split rank once more, each user by itself, where torch is: in the job that
    scores. A scheduler may publish where it is not.

    :raises FuserankError: a logit of a user alone is not the one that was written
    """
    import pyarrow as pa

    if not (count := run.settings.publish.sample_users):
        return
    first = Stored(run, as_of, []).rows(SAMPLES, None, only=("user_index",), split="rank", shard=0)
    some = first["user_index"].unique().sort().to_pylist()
    of = Stored(run, as_of, some[:: max(len(some) // count, 1)][:count])
    samples = pa.concat_tables([of.rows(SAMPLES, split="rank", shard=shard) for shard in range(_SHARDS)])
    if not samples.num_rows:
        return
    stored = of.rows(SCORES, split="rank", kind=kind)
    stored = stored.join(samples.select(_PAIR), list(_PAIR), join_type="left semi")
    made = logits_of(run, of, kind, samples)
    if found := first_difference(f"{SCORES.name} of {kind}", _PAIR, made, stored, within=TOLERANCE):
        raise FuserankError(f"{found}; the model's score depends on what is scored beside it, or its files changed")


def _samples_differ(of: Stored, samples: pa.Table) -> str | None:
    """In the first shards: candidates are dealt to shards by hash, and scores are compared of all of them."""
    import pyarrow as pa

    stored = pa.concat_tables([of.rows(SAMPLES, split="rank", shard=shard) for shard in range(_SHARDS)])
    made = samples.join(stored.select(_PAIR), list(_PAIR), join_type="left semi")
    return first_difference(SAMPLES.name, _PAIR, made, stored, _PLACE)


def _logits_differ(run: Run, of: Stored, kind: str, samples: pa.Table) -> str | None:
    made, stored = logits_of(run, of, kind, samples), of.rows(SCORES, split="rank", kind=kind)
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
    if made is None and not stored.num_rows:  # as of a shop that does not tell what its items are
        return None
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
