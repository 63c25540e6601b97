"""What the sources find of the days from as_of, each alone and all together, by how much a user buys."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.lookup import locate
from fuserank.history.baskets import baskets
from fuserank.history.events import taken
from fuserank.jobs.inputs.history import reversals
from fuserank.stages.candidates.quotas import Hits, Listed, overlap, segments, union
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from fuserank.io.runtime.run import Run

ALL = "all"


def segments_of(run: Run, as_of: dt.date, users: npt.NDArray[np.int32]) -> npt.NDArray[np.str_]:
    """The segment of each of the users (U,), by distinct baskets before the day."""
    from pyspark.sql import functions as F

    of_users = run.spark.createDataFrame([(int(u),) for u in users], "user_index int")
    events = run.lake.known(EVENTS, as_of).join(F.broadcast(of_users), "user_index", "left_semi")
    rows = baskets(taken(events, reversals(run.lake, events)), as_of).groupBy("user_index")
    table = rows.agg(F.count_distinct("basket").alias("baskets")).toArrow()
    user, count = (table[c].to_numpy() for c in ("user_index", "baskets"))
    order = np.argsort(user)
    at, known = locate(user[order], users)
    baskets_U = np.zeros(len(users), np.int64)
    baskets_U[known] = count[order][at[known]]
    cfg = run.settings.candidates.segments
    return segments(baskets_U, cfg.new_baskets, cfg.heavy_baskets)


def candidate_sets(run: Run, as_of: dt.date, wide: pa.Table, sources: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of evaluation.candidate_sets without run_id; ``wide``: ``side_by_side``
    of the users with truth, with ranks.
    """
    user, item, label = (wide[c].to_numpy() for c in ("user_index", "item_index", "label"))
    lists = {}
    for source in sources:
        proposed_N = wide[f"score_{source}"].is_valid().to_numpy()
        rank = wide[f"rank_{source}"].to_numpy()[proposed_N].astype(np.int64)
        lists[source] = Listed(user[proposed_N], item[proposed_N], rank)
    judged = np.unique(user[label > 0])
    of_U = segments_of(run, as_of, judged)
    rows: list[dict[str, Any]] = []
    for segment in (ALL, *np.unique(of_U).tolist()):
        some = judged if segment == ALL else judged[of_U == segment]
        hits = Hits.of(lists, user[label > 0], item[label > 0], some)
        everything = dict.fromkeys(sources, 1 << 30)
        shares = overlap(hits, everything)
        true_pairs = int(np.isin(user[label > 0], some).sum())
        whole = union({segment: hits}, {segment: everything})
        key = {"as_of_date": as_of, "segment": segment, "users": len(some)}
        rows.append(
            {**key, "source": "union", "a_user": whole.a_user, "recall": whole.recall, "unique": 0.0, "overlap": {}}
        )
        for share in shares:
            alone = union({segment: hits}, {segment: {share.source: 1 << 30}})
            rows.append(
                {
                    **key,
                    "source": share.source,
                    "a_user": alone.a_user,
                    "recall": alone.recall,
                    "unique": share.unique_hits / true_pairs,
                    "overlap": share.overlap,
                }
            )
    return rows
