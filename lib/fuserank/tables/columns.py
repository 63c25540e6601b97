"""Columns that several tables share, so that a name always has one type, unit and meaning."""

from __future__ import annotations

from fuserank.tables.contract import Column


def user_index(nullable: bool = False) -> Column:
    return Column(
        "user_index",
        "int",
        "dense_index",
        "the user's number in silver.user_dictionary",
        nullable,
        default=0,
        person="id",
    )


def item_index(nullable: bool = False) -> Column:
    return Column(
        "item_index", "int", "dense_index", "the item's number in silver.item_dictionary", nullable, default=0
    )


def as_of_date() -> Column:
    return Column(
        "as_of_date", "date", "utc_date", "00:00 UTC of this day; nothing known at or after it is used", person="none"
    )


def known_at() -> Column:
    return Column(
        "known_at", "timestamp", "utc_timestamp", "from when on this row is known; as-of readers filter by it"
    )


def run_id() -> Column:
    return Column("run_id", "string", "id", "the run in ops.runs that wrote this row", person="none")


def source() -> Column:
    return Column(
        "source",
        "string",
        "name",
        "the candidate source: als, co_purchase, repeat, popular, trending, or a member of the retrieval family",
        person="none",
    )
