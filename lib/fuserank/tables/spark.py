"""Derived from a contract, never written twice: Spark schema, DDL, constraints."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from fuserank.tables.contract import Column, ContractError, Table

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession
    from pyspark.sql.types import DataType, StructType


def ddl(table: Table) -> str:
    """Column DDL as Delta takes it, with NOT NULL and comments."""
    return ddl_of(table.columns)


def ddl_of(columns: Iterable[Column]) -> str:
    """The same of some columns alone."""
    parts = []
    for c in columns:
        comment = f"{c.doc} [{c.unit}]".replace("'", "’")
        parts.append(f"`{c.name}` {c.type}{'' if c.nullable else ' NOT NULL'} COMMENT '{comment}'")
    return ", ".join(parts)


def constraints(table: Table) -> dict[str, str]:
    """The table's CHECK constraints, SQL over its columns, by name."""
    return {f"{c.name}_holds": c.check for c in table.columns if c.check}


def schema(table: Table) -> StructType:
    """The Spark schema of a contract, made without a JVM."""
    from pyspark.sql.types import StructField, StructType

    return StructType([StructField(c.name, _spark_type(c.type), c.nullable) for c in table.columns])


def _spark_type(name: str) -> DataType:
    """Of one of ``contract.TYPES``; what arrays and maps hold may be null, as Spark's own parser has it."""
    from pyspark.sql import types as t

    kind, _, inside = name.removesuffix(">").partition("<")
    if kind == "array":
        return t.ArrayType(_spark_type(inside))
    if kind == "map":
        key, _, value = inside.partition(",")
        return t.MapType(_spark_type(key), _spark_type(value))
    plain: dict[str, type[DataType]] = {
        "string": t.StringType,
        "boolean": t.BooleanType,
        "int": t.IntegerType,
        "long": t.LongType,
        "float": t.FloatType,
        "double": t.DoubleType,
        "date": t.DateType,
        "timestamp": t.TimestampType,
        "binary": t.BinaryType,
    }
    return plain[kind]()


def frame_of_rows(spark: SparkSession, table: Table, rows: Iterable[Mapping[str, Any]]) -> DataFrame:
    """A few rows, by column, as one partition of the contract's types; what else they hold is left out.

    Numbers of numpy become Python's: Spark takes no others here, and which of the two a function of numpy gives
    differs by its release.
    """
    made = [tuple(_plain(row[name]) for name in table.column_names) for row in rows]
    return relation(spark, made, schema(table)).coalesce(1)


def relation(spark: SparkSession, rows: Sequence[Sequence[Any]], types: StructType) -> DataFrame:
    """A few rows of Python, cells in the order of ``types``, as a relation that the driver holds.

    By Arrow they are part of the plan; as rows they would be tasks of two more conversions wherever they are read
    (measured, twelve events: 33 ms of the processors instead of 96 until they are collected).

    :raises ValueError: a column that may not be empty is, or a cell is of another type
    """
    import pyarrow as pa
    from pyspark.sql.pandas.types import to_arrow_schema

    want = to_arrow_schema(types)
    columns = [pa.array([_cell(row[n]) for row in rows], field.type) for n, field in enumerate(want)]
    for field, column in zip(want, columns, strict=True):
        if not field.nullable and column.null_count:
            raise ValueError(f"column {field.name} may not be empty, and is in {column.null_count} rows")
    return spark.createDataFrame(pa.Table.from_arrays(columns, schema=want), types)


def _cell(value: Any) -> Any:
    """As Arrow takes it: a map is its pairs."""
    return list(value.items()) if isinstance(value, Mapping) else value


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(one) for one in value]
    return value.item() if type(value).__module__ == "numpy" else value


def conform(frame: DataFrame, table: Table) -> DataFrame:
    """The frame, cut to the contract's columns in the contract's order; wrong names or types are refused."""
    have = dict(frame.dtypes)
    refuse_other(table, have)
    return frame.select(*table.column_names, *sorted(have.keys() - set(table.column_names)))


def refuse_other(table: Table, have: Mapping[str, str]) -> None:
    """Look through columns, Spark's type by name.

    :raises ContractError: one is missing, is not in the contract, or has another type there
    """
    missing = [c.name for c in table.columns if c.name not in have]
    if missing:
        raise ContractError(f"table {table.name}: the frame lacks {', '.join(missing)}; add them before the write")
    extra = [n for n in have if n not in table.column_names]
    if extra and not table.open_schema:
        raise ContractError(f"table {table.name}: {', '.join(extra)} not in the contract; drop or declare them")
    for c in table.columns:
        if have[c.name] != c.sql_type:
            raise ContractError(f"table {table.name}: column {c.name} is {have[c.name]}, the contract says {c.type}")
