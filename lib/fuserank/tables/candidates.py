"""Candidates and the factors that one of their sources is made of."""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table

CANDIDATES = Table(
    name="candidates.candidates",
    grain="one row per user, item, source and as_of_date",
    keys=("as_of_date", "source", "user_index", "item_index"),
    writer="candidates",
    doc="What each source proposes to each user: ranks without gaps from 1, ties to the lower item_index.",
    partition_by=("as_of_date", "source"),
    slice_by=("as_of_date", "source"),
    retention="365 days",
    columns=(
        c.as_of_date(),
        c.source(),
        c.user_index(),
        c.item_index(),
        Column("rank", "int", "rank_from_1", "place within user and source", check="rank >= 1", default=1),
        Column("score", "float", "score", "the source's own score, higher is better", default=1.0),
        c.run_id(),
    ),
)

FACTORS = Table(
    name="candidates.als_factors",
    grain="one row per user or item with an ALS factor and as_of_date",
    keys=("as_of_date", "side", "index"),
    writer="candidates",
    doc="Factors of implicit-feedback ALS (Hu, Koren, Volinsky 2008).",
    partition_by=("as_of_date", "side"),
    slice_by=("as_of_date",),
    retention="365 days",
    columns=(
        c.as_of_date(),
        Column("side", "string", "name", "user or item", check="side in ('user','item')", person="none"),
        Column("index", "int", "dense_index", "user_index or item_index, as side says", person="id"),
        Column("factor", "array<float>", "embedding", "the factor, rank numbers long"),
        c.run_id(),
    ),
)

CO_PURCHASE = Table(
    name="candidates.co_purchase_neighbours",
    grain="one row per item, neighbour and as_of_date",
    keys=("as_of_date", "item_index", "neighbour_index"),
    writer="candidates",
    doc="Items bought in the same basket, by cosine with shrinkage; the evidence behind a co_purchase candidate.",
    partition_by=("as_of_date",),
    slice_by=("as_of_date",),
    retention="365 days",
    columns=(
        c.as_of_date(),
        c.item_index(),
        Column("neighbour_index", "int", "dense_index", "the item that it leads to"),
        Column("similarity", "float", "score", "shrunk cosine of basket vectors"),
        c.run_id(),
    ),
)

LEARNED = Table(
    name="candidates.learned",
    grain="one row per edge or vector that a member of the retrieval family has learned, source and as_of_date",
    keys=("as_of_date", "source", "part", "index", "other"),
    writer="candidates",
    doc=(
        "What the members of the retrieval family propose from, and give reasons by: edges (index to other, value) and"
        " vectors (of index), in the parts that each member names."
    ),
    partition_by=("as_of_date", "source"),
    slice_by=("as_of_date", "source"),
    retention="365 days",
    columns=(
        c.as_of_date(),
        c.source(),
        Column("part", "string", "name", "what the row is to the member: near, took, item, …", person="none"),
        Column("index", "int", "dense_index", "an item_index or user_index, as the part says", person="id"),
        Column("other", "int", "dense_index", "where an edge leads; 0 of a vector", person="id"),
        Column("value", "float", "score", "weight of an edge; of a vector what the member keeps beside it"),
        Column("vector", "array<float>", "embedding", "empty for an edge"),
        c.run_id(),
    ),
)

TABLES = (CANDIDATES, FACTORS, CO_PURCHASE, LEARNED)
