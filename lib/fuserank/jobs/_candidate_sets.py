"""What the sources find of the days from as_of, each alone and all together, by how much a user buys."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.candidates.baskets import baskets
from fuserank.candidates.quotas import Hits, Listed, overlap, segments, union
from fuserank.common.lookup import locate
from fuserank.common.reversals import reversals_of
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa

    from fuserank.io.run import Run

ALL = "all"


def basket_counts(
    run: Run, as_of: dt.date, of: npt.NDArray[np.int32]
) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int64]]:
    """user_index (U,), ascending, and distinct baskets of those ``of`` these users with feedback before the day."""
    from pyspark.sql import functions as F

    asked = run.spark.createDataFrame([(int(u),) for u in of], "user_index int")
    events = run.lake.known(EVENTS, as_of).join(F.broadcast(asked), "user_index", "left_semi")
    rows = baskets(events, as_of, reversals_of(events)).groupBy("user_index")
    table = rows.agg(F.count_distinct("basket").alias("baskets")).toArrow()
    user, count = (table[c].to_numpy() for c in ("user_index", "baskets"))
    order = np.argsort(user)
    return user[order], count[order]


def candidate_sets(run: Run, as_of: dt.date, wide: pa.Table, sources: tuple[str, ...]) -> list[dict[str, Any]]:
    """Rows of evaluation.candidate_sets without run_id; ``wide``: ``side_by_side`` of the users with truth, with ranks."""
    user, item, label = (wide[c].to_numpy() for c in ("user_index", "item_index", "label"))
    lists = {}
    for source in sources:
        given = wide[f"score_{source}"].is_valid().to_numpy()
        rank = wide[f"rank_{source}"].to_numpy()[given].astype(np.int64)
        lists[source] = Listed(user[given], item[given], rank)
    judged = np.unique(user[label > 0])
    users, counts = basket_counts(run, as_of, judged)
    at, known = locate(users, judged)
    cfg = run.settings.candidates.segments
    of_U = segments(np.where(known, counts[at], 0), cfg.new_baskets, cfg.heavy_baskets)
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
            rows.append({**key, "source": share.source, "a_user": alone.a_user, "recall": alone.recall,
                         "unique": share.unique_hits / true_pairs, "overlap": share.overlap})  # fmt: skip
    return rows
