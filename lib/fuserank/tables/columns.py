"""Columns that several tables share, so that a name always has one type, unit and meaning."""

from __future__ import annotations

from fuserank.tables.contract import Column


def user_index(nullable: bool = False) -> Column:
    """A user's dense number (int32); every table names it so."""
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
    """An item's dense number (int32); every table names it so."""
    return Column(
        "item_index", "int", "dense_index", "the item's number in silver.item_dictionary", nullable, default=0
    )


def as_of_date() -> Column:
    """The day that a slice is as of."""
    return Column(
        "as_of_date", "date", "utc_date", "00:00 UTC of this day; nothing known at or after it is used", person="none"
    )


def known_at() -> Column:
    """When a row of silver is known (UTC)."""
    return Column(
        "known_at", "timestamp", "utc_timestamp", "from when on this row is known; as-of readers filter by it"
    )


def run_id() -> Column:
    """What leads a row back to ops.runs."""
    return Column("run_id", "string", "id", "the run in ops.runs that wrote this row", person="none")


def source() -> Column:
    """A candidate source's name."""
    return Column(
        "source",
        "string",
        "name",
        "the candidate source: als, co_purchase, repeat, popular, trending, or a member of the retrieval family",
        person="none",
    )
