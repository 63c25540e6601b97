"""The prices behind a plan, in one place: what one unit of each quantity of ``shop.quantities`` costs.

Where they were measured: the demo (1,469,307 purchases of 2,469 users, 68,509 items, 20.9 M promotions) as of
2017-12-04, on 2 cores in 2 lanes, with the settings of conf/ as they ship. Rows and bytes are exact counts of its
lake. The sum of a job's seconds is that of one run of `make recs` on a busy machine (900 s; a quiet one took 454).
What they are on another machine and shop the ledger learns (``predict.Former``).

Estimated, not measured: how a job's seconds divide into ``fixed`` and prices per unit; all of SHUFFLE and MEMORY; and
that seconds of all but ``fixed`` fall with the number of cores beyond 2. als_steps and products: twice
benchmarks/results/als.json and topk.json.
"""

from __future__ import annotations

MEASURED_CORES = 2

# Counts per count.
ROWS: dict[str, float] = {
    "events_per_user": 595.1,  # where nobody knows the users
    "items_per_catalogue_row": 0.742,  # items that were ever bought
    "events_per_item": 21.4,  # where there is no catalogue
    "items_known_share": 0.92,  # of the items, at the start of a window
    "pairs_per_event": 0.511,  # distinct (user, item), mean of three dates
    "attributes_per_pair": 1.181,
    "store_items_per_promotion": 0.0201,
    "neighbours_share": 0.1163,  # of items × candidates.co_purchase.neighbours
    "co_purchase_filled": 0.99,  # of the quota
    "repeat_filled": 0.719,  # of the quota
    "pairs_per_candidate": 0.688,  # distinct (user, item) of what all sources give
    "items_per_basket": 9.5,
    "positive_share": 0.036,  # of the train split
}

# Bytes of a row on disk, as Delta's files hold it (snappy).
BYTES: dict[str, float] = {
    "bronze": 5.8,  # promotions 5.2, transactions 13
    "ops.quality": 300,
    "silver.events": 95.4,
    "silver.promotions": 1.3,
    "silver": 20.0,  # all other tables
    "features.user": 158,
    "features.user_history": 91,
    "features.user_item": 36.9,
    "features.user_attribute": 14.5,
    "features.item": 46.1,
    "features.store_item": 3.3,
    "candidates.candidates": 4.3,
    "candidates.co_purchase_neighbours": 5.0,
    "candidates.learned": 6.0,
    "samples.samples": 229,  # without dictionaries
    "models.registry": 500_000,  # with the artifact
    "models.vectors": 40,  # estimated: of 8 numbers
    "scores.scores": 6.4,
    "fusion.fused": 38.1,
    "fusion.fitted": 938,
    "ranking.ranking": 203.7,
    "ranking.published": 4000,
}
FACTOR_BYTES = 3.96  # of one number of a factor, compressed

# Seconds per unit. ``fixed`` is paid once a step.
SECONDS: dict[str, dict[str, float]] = {
    "bronze": {"fixed": 12, "new_bronze": 2.2e-6},
    "silver": {"fixed": 15, "new_events": 7.0e-5, "new_promotions": 4.0e-6},
    "quality": {"fixed": 6, "events": 2e-6},  # estimated
    "features": {"fixed": 15, "events": 5.0e-5, "promotions": 1e-6},  # of all three days
    "candidates": {"fixed": 12, "events": 4.0e-5, "als_steps": 8.8e-10, "products": 6e-11, "neighbours": 3e-5},
    "samples": {"fixed": 10, "samples": 5.0e-5},
    "train": {"fixed": 12, "trained": 2.66e-5},
    "scores": {"fixed": 6, "scored": 1.75e-5},
    "fusion": {"fixed": 8, "candidates": 1.8e-5, "fit_rows": 9e-6},
    "ranking": {"fixed": 8, "events": 1.4e-5, "listed": 2.7e-4},
    "publish": {"fixed": 4, "listed": 1e-6},  # estimated
    "publish_store": {"fixed": 8, "listed": 7e-5},  # estimated by the two files of docs/numbers.md
}

# Bytes of shuffle files per unit.
SHUFFLE: dict[str, dict[str, float]] = {
    "bronze": {},
    "silver": {"new_events": 60, "new_promotions": 2},
    "quality": {"events": 1},
    "features": {"events": 110},  # lines once, and what three days tell of items
    "candidates": {"events": 40},
    "samples": {"samples": 100},
    "train": {},
    "scores": {"scored": 6},
    "fusion": {"candidates": 20},
    "ranking": {"events": 10, "listed": 100},
    "publish": {"listed": 20},
    "publish_store": {"listed": 150},
}

# Bytes of one Python process of a step, per unit: what every worker or rank holds
# whole. The JVM's heap comes on top, once.
MEMORY: dict[str, dict[str, float]] = {
    "bronze": {"fixed": 0},
    "silver": {"fixed": 0},
    "quality": {"fixed": 0},
    "features": {"fixed": 0.5e9, "items": 220},
    "candidates": {"fixed": 0.3e9, "item_factors": 8, "user_factors": 8, "neighbours": 12, "block_entries": 40},
    "samples": {
        "fixed": 0.5e9,
        "item_factors": 8,
        "items": 250,
        "store_items": 40,
        "neighbours": 12,
        "shard_rows": 1500,
    },
    "train": {"fixed": 0.8e9, "train_shard_rows": 1500, "users": 64},
    "scores": {"fixed": 0.5e9, "shard_rows": 1500, "users": 16},
    "fusion": {"fixed": 0.3e9},
    "ranking": {"fixed": 0.3e9, "item_factors": 8},
    "publish": {"fixed": 0},
    "publish_store": {"fixed": 0.3e9},
}
PROCESS_BYTES = 0.9e9  # the driver's Python, and what the JVM needs beside its heap


def bytes_per_row(table: str, factors: int) -> float:
    """Bytes of a row of the table on disk."""
    if table == "candidates.als_factors":
        return factors * FACTOR_BYTES
    return BYTES[table] if table in BYTES else BYTES[table.partition(".")[0]]
