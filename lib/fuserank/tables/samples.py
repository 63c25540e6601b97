"""Samples: flat, fixed-width rows that torch reads. No nulls, strings or lists; every default is stated here."""

from __future__ import annotations

from dataclasses import dataclass

from fuserank.registry.sources import sampled
from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table
from fuserank.tables.features import HISTORY as HISTORY

SHARDS = 24  # samples.shards is a multiple of it: divisible by 1, 2, 3, 4, 6, 8, 12 and 24 ranks
SPLITS = ("train", "valid", "rank")
SOURCES = tuple(s.name for s in sampled())  # those whose ranks and scores are columns


@dataclass(frozen=True)
class Numeric:
    """One numeric input: a float, and what it holds where the pair, user or item has nothing to tell."""

    name: str
    unit: str
    doc: str
    default: float = 0.0


def _n(name: str, doc: str, default: float = 0.0, unit: str = "score") -> Numeric:
    return Numeric(name, unit, doc, default)


# ln(x + e) and ln(1 + x) of counts, days and minor units; the formulas stand in fuserank.samples.formulas.
_LN_UNBOUGHT = -3.912023  # ln(0.02)
_LN_NO_AFFINITY = -2.995732  # ln(0.05)
_LN_400 = 5.993961  # ln(1 + 400): never
NUMERICS: tuple[Numeric, ...] = (
    _n("pair_baskets_log1p", "ln(1 + baskets with the item)", unit="log1p_count"),
    _n("pair_baskets_28d_log1p", "the same, last 28 days", unit="log1p_count"),
    _n("pair_baskets_84d_log1p", "the same, last 84 days", unit="log1p_count"),
    *(_n(f"pair_decayed_{h}d_log", f"ln(decayed baskets + 0.02), half-life {h} days", _LN_UNBOUGHT) for h in (14, 30, 60, 120)),
    _n("pair_since_last_log1p", "ln(1 + days since the last basket); 400 days where never bought", _LN_400),
    _n("pair_since_first_log1p", "ln(1 + days since the first basket); 0 where never bought"),
    _n("pair_gap_log1p", "ln(1 + mean days between baskets); 400 with fewer than two", _LN_400),
    _n("pair_due_log1p", "ln(1 + min(days since last / max(gap, 1), 10)); 400/400 where never bought", 0.693147),
    _n("pair_discount_share", "baskets with a discount on it", unit="share_0_1"),
    _n("pair_spend_log1p", "ln(1 + paid, major units)"),
    _n("pair_rate_log", "ln(baskets per 28 days since the first + 0.02)", _LN_UNBOUGHT),
    _n("pair_product_type_share", "share of the item in the user's product type", unit="share_0_1"),
    _n("product_type_decayed_60d_log", "ln(user's decayed count of the type + 0.05)", _LN_NO_AFFINITY),
    _n("product_type_since_last_log1p", "ln(1 + min(days, 400)) since the user bought the type", _LN_400),
    _n("product_type_baskets_log1p", "ln(1 + user's baskets with the type)", unit="log1p_count"),
    _n("product_type_due_log1p", "ln(1 + min(days since / max(gap, 1), 10)) of the type; gap 999 with fewer than two", 0.336472),
    _n("product_type_item_share_log", "ln(item's share in its type + 0.003)", -5.809143),
    _n("product_type_expected_log", "ln(user's decayed count of the type x item's share in it + 0.01)", -4.60517),
    _n("category_decayed_60d_log", "ln(user's decayed count of the category + 0.05)", _LN_NO_AFFINITY),
    _n("category_since_last_log1p", "ln(1 + min(days, 400)) since the user bought the category", _LN_400),
    _n("category_expected_log", "ln(user's decayed count of the category x item's share in it + 0.01)", -4.60517),
    _n("department_decayed_60d_log1p", "ln(1 + user's decayed count of the department)", unit="log1p_count"),
    _n("brand_decayed_60d_log1p", "ln(1 + user's decayed count of the brand)", unit="log1p_count"),
    _n("manufacturer_decayed_60d_log", "ln(user's decayed count of the manufacturer + 0.05)", _LN_NO_AFFINITY),
    *(_n(f"item_baskets_{d}d_log1p", f"ln(1 + baskets of {d} days)", unit="log1p_count") for d in (7, 28, 84, 365)),
    _n("item_trend_log", "ln(trend ratio)"),
    _n("item_repeat_share", "buyers with two baskets or more, smoothed", unit="share_0_1"),
    _n("item_gap_log1p", "ln(1 + usual days between baskets)"),
    _n("item_price_log1p", "ln(1 + price, major units)"),
    _n("item_discount_share", "lines with a discount", unit="share_0_1"),
    _n("item_price_14d_ratio", "price of 14 days over the mean price, within 0.3 .. 2", 1.0, "ratio"),
    _n("item_display_share_sqrt", "square root of the share of stores that display it"),
    _n("item_mailer_share_sqrt", "square root of the share of stores that mail it"),
    _n("item_new_buyers_28d_log1p", "ln(1 + first-time buyers of 28 days)", unit="log1p_count"),
    _n("user_baskets_28d_log1p", "ln(1 + baskets of 28 days)", unit="log1p_count"),
    _n("user_lines_84d_log1p", "ln(1 + lines of 84 days)", unit="log1p_count"),
    _n("user_since_last_log1p", "ln(1 + days since the last basket)"),
    _n("user_gap_log1p", "ln(1 + mean days between baskets)"),
    _n("user_items_log1p", "ln(1 + distinct items)", unit="log1p_count"),
    _n("user_new_items_28d_share", "first-time items among those of 28 days", unit="share_0_1"),
    _n("user_discount_share", "lines with a discount", unit="share_0_1"),
    _n("user_own_label_share", "lines of the shop's own label", unit="share_0_1"),
    _n("user_price_log1p_mean", "mean ln(1 + item price)"),
    _n("user_coupon_share_sqrt", "square root of the share of lines with a coupon"),
    _n("als_dot_log", "ln(max(user factor . item factor, 0) + 0.02)", _LN_UNBOUGHT),
    _n("co_purchase_log", "ln(co-purchase score + 0.02); 0 score where not given", _LN_UNBOUGHT),
    *(_n(f"{s}_rank_log", f"ln(600 / rank of {s}); 0 where it did not give the item") for s in SOURCES),
    _n("store_popularity_log", "ln(item's basket share in the user's main store + 0.001)", -6.907755),
    _n("store_display", "1 where on display in the user's main store", unit="flag"),
    _n("store_mailer", "1 where in the mailer of the user's main store", unit="flag"),
)  # fmt: skip
NUMERIC: tuple[str, ...] = tuple(n.name for n in NUMERICS)

# (name, buckets): 0 is unknown; a known value v has pmod(xxhash64(v), buckets - 1) + 1.
CATEGORICAL: tuple[tuple[str, int], ...] = (
    ("product_type_bucket", 8192),
    ("category_bucket", 1024),
    ("department_bucket", 64),
    ("brand_bucket", 64),
    ("manufacturer_bucket", 16384),
    ("age_bucket", 32),
    ("income_bucket", 32),
    ("household_size_bucket", 32),
)
KEYS = ("as_of_date", "split", "user_index", "item_index")

SAMPLES = Table(
    name="samples.samples",
    grain="one row per user, candidate item, split and as_of_date",
    keys=KEYS,
    writer="samples",
    doc="Candidates with their features and label, flat for torch; one file per shard, rows by position.",
    partition_by=("as_of_date", "split", "shard"),
    slice_by=("as_of_date", "split"),
    retention="365 days",
    stats_columns=0,  # read by whole shards
    torch_reads=True,
    columns=(
        c.as_of_date(),
        Column("split", "string", "name", "train: candidates of T-2d; valid: of T-d; rank: of T; d = windows.label_days", check="split in ('train','valid','rank')", default="train", person="none"),
        Column("shard", "int", "position", "position mod samples.shards", check="shard >= 0", person="none"),
        Column("position", "long", "position", "0..n-1 in the order of xxhash64(user_index, item_index, seed)", check="position >= 0"),
        c.user_index(),
        c.item_index(),
        Column("label", "float", "label_0_1", "1 where the user bought the item in the windows.label_days from the split's start; 0 in rank"),
        Column("weight", "float", "weight", "1 over the rate at which such rows were kept", check="weight > 0", default=1.0, person="none"),
        Column("bought_before", "float", "flag", "1 where the user had bought the item before"),
        *(Column(n.name, "float", n.unit, f"{n.doc} (default {n.default:g})", default=n.default) for n in NUMERICS),
        *(Column(name, "int", "dense_index", f"0 is unknown; {buckets} fixed buckets") for name, buckets in CATEGORICAL),
        *(Column(name, "int", "dense_index", "one of the user's last items; -1 is padding", default=-1) for name in HISTORY),
        *(Column(f"{s}_rank", "float", "rank_from_1", f"rank of {s}; 0 where it did not give the item") for s in SOURCES),
        *(Column(f"{s}_score", "float", "score", f"score of {s}; 0 where it did not give the item") for s in SOURCES),
        c.run_id(),
    ),
)  # fmt: skip

TABLES = (SAMPLES,)
