"""Samples: flat, fixed-width rows that torch reads. No nulls, strings or lists; every default is stated here."""

from __future__ import annotations

from fuserank.registry.sources import sampled
from fuserank.tables import columns as c
from fuserank.tables.attributes import ITEM_CATEGORIES, USER_CATEGORIES
from fuserank.tables.contract import Column, Table
from fuserank.tables.features import HISTORY as HISTORY
from fuserank.tables.features import INPUTS, STORE_INPUTS
from fuserank.tables.features.declare import Input
from fuserank.tables.features.formulas import Columns, known, ln, log

SHARDS = 24  # samples.shards is a multiple of it: divisible by 1, 2, 3, 4, 6, 8, 12 and 24 ranks
SPLITS = ("train", "valid", "rank")
SOURCES = tuple(s.name for s in sampled())  # those whose ranks and scores are columns


_near = Columns("near")
SOURCE_INPUTS = (
    Input("als_dot_log", log(known(_near.als_dot), 0.02), "ln(max(user factor . item factor, 0) + 0.02)"),
    Input(
        "co_purchase_log", log(known(_near.co_purchase), 0.02), "ln(co-purchase score + 0.02); 0 score where not given"
    ),
    *(
        Input(
            f"{s}_rank_log",
            known(ln(600 / Columns("rank")[s])),
            f"ln(600 / rank of {s}); 0 where it did not give the item",
        )
        for s in SOURCES
    ),
)
NUMERICS: tuple[Input, ...] = (*INPUTS, *SOURCE_INPUTS, *STORE_INPUTS)
NUMERIC: tuple[str, ...] = tuple(n.name for n in NUMERICS)

# (name, buckets): 0 is unknown; a known value v has pmod(xxhash64(v), buckets - 1) + 1.
CATEGORICAL: tuple[tuple[str, int], ...] = (
    ("product_type_bucket", 8192),
    ("category_bucket", 1024),
    ("department_bucket", 64),
    ("brand_bucket", 64),
    ("manufacturer_bucket", 16384),
    *((f"{place}_bucket", 1024) for place in ITEM_CATEGORIES),
    ("age_bucket", 32),
    ("income_bucket", 32),
    ("household_size_bucket", 32),
    *((f"user_{place}_bucket", 256) for place in USER_CATEGORIES),
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
    version=2,
    columns=(
        c.as_of_date(),
        Column(
            "split",
            "string",
            "name",
            "train: candidates of T-2d; valid: of T-d; rank: of T; d = windows.label_days",
            check="split in ('train','valid','rank')",
            default="train",
            person="none",
        ),
        Column("shard", "int", "position", "position mod samples.shards", check="shard >= 0", person="none"),
        Column(
            "position",
            "long",
            "position",
            "0..n-1 in the order of xxhash64(user_index, item_index, seed)",
            check="position >= 0",
        ),
        c.user_index(),
        c.item_index(),
        Column(
            "label",
            "float",
            "label_0_1",
            "1 where the user bought the item in the windows.label_days from the split's start; 0 in rank",
        ),
        Column(
            "weight",
            "float",
            "weight",
            "1 over the rate at which such rows were kept",
            check="weight > 0",
            default=1.0,
            person="none",
        ),
        Column("bought_before", "float", "flag", "1 where the user had bought the item before"),
        *(Column(n.name, "float", n.unit, f"{n.doc} (default {n.default:g})", default=n.default) for n in NUMERICS),
        *(
            Column(name, "int", "dense_index", f"0 is unknown; {buckets} fixed buckets")
            for name, buckets in CATEGORICAL
        ),
        *(
            Column(name, "int", "dense_index", "one of the user's last items; -1 is padding", default=-1)
            for name in HISTORY
        ),
        *(
            Column(f"{s}_rank", "float", "rank_from_1", f"rank of {s}; 0 where it did not give the item")
            for s in SOURCES
        ),
        *(Column(f"{s}_score", "float", "score", f"score of {s}; 0 where it did not give the item") for s in SOURCES),
        c.run_id(),
    ),
)

SEQUENCES = Table(
    name="samples.sequences",
    grain="one row per window of a user's takings, length and as_of_date",
    keys=("as_of_date", "length", "user_index", "back"),
    writer="candidates",
    doc=(
        "Windows of what users took, oldest first, for ranks that train members with `ranks`: each of size steps, which"
        " are size + 1 takings. One file per shard, rows by position; a row's fields are bytes, one value a taking."
    ),
    partition_by=("as_of_date", "length", "shard"),
    slice_by=("as_of_date", "length"),
    retention="365 days",
    stats_columns=0,  # read by whole shards
    torch_reads=True,
    version=2,
    columns=(
        c.as_of_date(),
        Column("length", "int", "count", "places of the longest window", check="length >= 1", default=1, person="none"),
        Column(
            "shard", "int", "position", "position's other half mod samples.shards", check="shard >= 0", person="none"
        ),
        Column("position", "long", "position", "place in the shard: by a hash of user, window and seed"),
        c.user_index(),
        Column("back", "int", "row_from_0", "windows of the user after this one", check="back >= 0"),
        Column("size", "int", "count", "steps: takings with a next one", check="size >= 1", default=1),
        Column("items", "binary", "dense_index", "item_index of each taking, four bytes, the lowest first"),
        Column(
            "gaps",
            "binary",
            "code",
            "how long each stood until the next, a byte: 0 together, 1 a day, one more each time it doubles",
        ),
        Column("begins", "binary", "flag", "1 where a basket begins, a byte each"),
        Column(
            "types",
            "binary",
            "code",
            "what each taking was, a byte: place in history.signals.TYPES; 0 other, or nobody asked",
            True,
        ),
        Column(
            "prices",
            "binary",
            "code",
            "price of a unit, a byte: 0 not known or nobody asked, then two more each time it doubles",
            True,
        ),
        c.run_id(),
    ),
)

TABLES = (SAMPLES, SEQUENCES)
