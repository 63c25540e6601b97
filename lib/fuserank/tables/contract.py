"""What a table contract says, and the closed lists it may say it with. No pyspark here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, get_args

from fuserank.common.errors import FuserankError

TYPES = frozenset(
    {"string", "boolean", "int", "long", "float", "double", "date", "timestamp", "binary"}
    | {"array<string>", "array<float>", "map<string,double>", "map<string,long>", "map<string,string>"}
)

UNITS = frozenset(
    {
        "id",
        "name",
        "code",
        "text",
        "hash",
        "json",
        "flag",
        "path",
        "minor_units",
        "count",
        "days",
        "seconds",
        "utc_timestamp",
        "utc_date",
        "share_0_1",
        "probability",
        "log_odds",
        "ratio",
        "rank_from_1",
        "row_from_0",
        "dense_index",
        "embedding",
        "score",
        "weight",
        "label_0_1",
        "position",
        "log1p_count",
        "version",
    }
)

LAYERS = (
    "bronze",
    "silver",
    "features",
    "candidates",
    "samples",
    "models",
    "scores",
    "fusion",
    "ranking",
    "evaluation",
    "ops",
    "vault",
)

# How near a column comes to a person. id: a user by itself, also a pseudonym, a dense number, a row as
# it came; quasi: what could help to find one beside other knowledge (age band, income, place, time,
# session, what was taken); none: neither.
Person = Literal["id", "quasi", "none"]


class ContractError(FuserankError, ValueError):
    """A frame or a declaration that breaks a table contract; the message names table, column and cure."""


@dataclass(frozen=True)
class Column:
    """One column: its Spark SQL type, its unit from the closed list, and what it means in a sentence."""

    name: str
    type: str
    unit: str
    doc: str
    nullable: bool = False
    check: str | None = None  # a Spark SQL predicate over this row, kept by Delta as a CHECK constraint
    default: object = None  # the value that a test's row factory starts from
    person: Person | None = None  # None: as Table.person says; a column whose unit is id has to be decided

    def __post_init__(self) -> None:
        if self.type not in TYPES:
            raise ContractError(f"column {self.name}: type {self.type!r} is not one of {sorted(TYPES)}")
        if self.unit not in UNITS:
            raise ContractError(f"column {self.name}: unit {self.unit!r} is not one of {sorted(UNITS)}")
        if self.person not in {None, *get_args(Person)}:
            raise ContractError(f"column {self.name}: person {self.person!r} is not one of {get_args(Person)}")

    @property
    def sql_type(self) -> str:
        """The type as Spark names it: bigint for long."""
        return self.type.replace("long", "bigint")


@dataclass(frozen=True)
class Table:
    """A table, declared once; schema, DDL, constraints, row factories and docs are derived from it."""

    name: str  # "<layer>.<table>"
    grain: str
    keys: tuple[str, ...]
    columns: tuple[Column, ...]
    writer: str  # the one job that writes it
    doc: str
    partition_by: tuple[str, ...] = ()
    slice_by: tuple[str, ...] = ()  # what a rerun replaces; empty: append or MERGE by keys
    retention: str = "kept"
    version: int = 1
    change_feed: bool = False
    stats_columns: int = 32  # columns that Delta keeps min and max of; they cost a fifth of a wide write
    torch_reads: bool = False  # deletion vectors and column mapping off
    streamed: bool = False  # a stream writes it, too: each write holds the lake's commits (io/lake/lock.py)
    log_days: int | None = None  # days for which an older version can be read; None: Delta's own, 30
    open_schema: bool = False  # bronze: the source's own columns stand beside the declared ones
    not_in_digest: tuple[str, ...] = field(default=("run_id",))

    def __post_init__(self) -> None:
        if self.layer not in LAYERS:
            raise ContractError(f"table {self.name}: layer {self.layer!r} is not one of {LAYERS}")
        names = [c.name for c in self.columns]
        if len(set(names)) != len(names):
            raise ContractError(f"table {self.name}: a column is declared twice")
        for key in (*self.keys, *self.partition_by, *self.slice_by):
            if key not in names:
                raise ContractError(f"table {self.name}: {key!r} is a key, partition or slice but no column")

    @property
    def layer(self) -> str:
        """What stands before the dot of its name."""
        return self.name.split(".", 1)[0]

    def person(self, column: Column) -> Person:
        """How near one of its columns comes to a person.

        As the column declares; else quasi where the table has a user's id, as the columns beside it are about that
        user; else none.
        """
        beside = "quasi" if any(c.person == "id" for c in self.columns) else "none"
        return column.person or beside  # type: ignore[return-value]

    def person_columns(self, kind: Person) -> tuple[str, ...]:
        """Names of its columns of that kind, in their order. Of an open schema, what is not declared counts as
        ``id``: nobody knows what a source's own columns hold.
        """
        return tuple(c.name for c in self.columns if self.person(c) == kind)

    @property
    def column_names(self) -> tuple[str, ...]:
        """In the order of the contract, which is the order in the table."""
        return tuple(c.name for c in self.columns)

    def column(self, name: str) -> Column:
        """Its column of that name; raises ContractError with those that there are."""
        for c in self.columns:
            if c.name == name:
                return c
        raise ContractError(f"table {self.name} has no column {name!r}; it has {', '.join(self.column_names)}")


def differences(table: Table, found: Mapping[str, tuple[str, bool]]) -> list[str]:
    """How a table that lies in a lake differs from its contract, a phrase each; empty where it is as promised.

    ``found``: column → (its type in Spark's words, whether it may be null). A column that may be null may be missing
    where the contract has had older versions; columns that no contract names are nobody's fault.
    """
    wrong = []
    for column in table.columns:
        if column.name not in found:
            if not column.nullable or table.version == 1:
                wrong.append(f"column {column.name} is missing")
            continue
        type_found, may_be_null = found[column.name]
        if type_found != column.sql_type:
            wrong.append(f"column {column.name} is {type_found}, the contract says {column.sql_type}")
        elif may_be_null and not column.nullable:
            wrong.append(f"column {column.name} may be null there, the contract says never")
    return wrong


def broken_contract(table: Table, root: str, wrong: Sequence[str]) -> str:
    """The words for a table in the lake ``root`` that is not what its contract says."""
    return (
        f"table {table.name} in {root} is not what fuserank writes: {'; '.join(wrong)}. Another program or another"
        f" fuserank has changed it: restore an older version (RESTORE TABLE), or take another --lake"
    )
