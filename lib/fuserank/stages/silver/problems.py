"""What is wrong with a row: the first rule that it breaks, and its place in ops.quarantine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from functools import reduce
from operator import and_
from typing import TYPE_CHECKING, Any

from fuserank.config.mapping import words
from fuserank.stages.silver.cells import Cells

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.dataset import RuleConfig

_PROBLEM = "struct<rule:string,column:string,reason:string>"


@dataclass(frozen=True)
class Check:
    """A rule: the condition under which a row breaks it (null: it does not), the column, and what to tell."""

    broken: Column
    rule: str
    column: str | None
    reason: str

    def struct(self) -> Column:
        """Column of (rule, column, reason) where the row breaks the rule, else null."""
        from pyspark.sql import functions as F

        problem = F.struct(
            F.lit(self.rule).alias("rule"),
            F.lit(self.column).cast("string").alias("column"),
            F.lit(self.reason).alias("reason"),
        )
        return F.when(self.broken, problem)


def first_problem(checks: list[Check]) -> Column:
    """The first broken check as struct<rule, column, reason>; null where the row is good."""
    from pyspark.sql import functions as F

    return F.coalesce(*(c.struct() for c in checks), F.lit(None).cast(_PROBLEM))


def readable(cells: Cells, names: Iterable[str]) -> list[Check]:
    """The row could be parsed, and every named cell could be cast."""

    checks = _of_text(cells, sorted(set(names))) if cells.files.format != "parquet" else []
    for name in sorted(set(names)):
        if cells.may_fail(name):
            want = cells.files.columns[name].type
            checks.append(Check(cells.failed(name), "uncastable", name, words.uncastable(want)))
    return checks


def _of_text(cells: Cells, names: list[str]) -> list[Check]:
    """What only text can have: lines that are no row, a header among the rows, characters that could not be read."""
    from pyspark.sql import functions as F

    no_row = "the line is no JSON object; fix it in the file"
    checks = []
    if cells.files.format == "csv":
        no_row = "the line has too few or too many cells; fix it in the file"
        several = (
            "the row runs over several lines: a quote in it may be open; close it, and write quotes inside of cells"
            " twice"
        )
        checks.append(Check(F.col("_corrupt").contains("\n"), "open_quote", None, several))
    checks.append(Check(F.col("_corrupt").isNotNull(), "unreadable", None, no_row))
    if cells.files.format == "csv" and cells.files.header:
        again = reduce(and_, [cells.raw(n) == F.lit(n) for n in names])
        checks.append(Check(again, "repeated_header", None, "the line repeats the header; take it out of the file"))
    for name in names:
        if cells.files.columns[name].type == "string":
            broken = cells.raw(name).contains("\ufffd") | cells.raw(name).contains("\0")
            checks.append(Check(broken, "broken_characters", name, words.BROKEN))
    return checks


def present(cells: Cells, needed: dict[str, str]) -> list[Check]:
    """Rule name → column that must not be empty."""
    return [Check(cells.cell(column).isNull(), rule, column, words.empty(column)) for rule, column in needed.items()]


def in_time(moment: Column, column: str, now: dt.datetime) -> list[Check]:
    """Not after the run's now, not before 1990."""
    from pyspark.sql import functions as F

    late = f"later than the run's now ({now:%Y-%m-%dT%H:%M:%SZ}); fix the time, its zone or unit in the mapping"
    return [
        Check(moment > F.lit(now), "time_in_future", column, late),
        Check(moment < F.lit(words.EARLIEST), "time_too_early", column, words.EARLY),
    ]


def too_much(cells: Cells, column: str) -> Check:
    """An amount that no money can be."""
    broken = cells.cell(column).isNotNull() & ~cells.fits_decimal(column)
    return Check(broken, "uncastable", column, words.TOO_MUCH)


def rules(cells: Cells) -> list[Check]:
    """The mapping's own comparisons."""
    return [
        Check(
            _broken(cells.cell(rule.column), rule, cells.files.columns[rule.column].type),
            rule.name,
            rule.column,
            words.breaks(rule),
        )
        for rule in cells.files.rules
    ]


def _broken(cell: Column, rule: RuleConfig, kind: str) -> Column:
    from pyspark.sql import functions as F

    def literal(value: Any) -> Column:
        if isinstance(value, str) and kind == "string":
            return F.lit(value.strip())
        return F.lit(value).cast(kind) if kind in {"date", "timestamp"} else F.lit(value)

    if kind == "string":  # columns of a fixed width come with blanks; `init` compares without them, too
        cell = F.trim(cell)
    if rule.op == "not_null":
        return cell.isNull()
    if rule.op == "empty":
        return (F.nullif(cell, F.lit("")) if kind == "string" else cell).isNotNull()
    if isinstance(rule.value, list):
        return ~cell.isin([literal(v) for v in rule.value])
    value = literal(rule.value)
    keeps = {
        "==": cell == value,
        "!=": cell != value,
        "<": cell < value,
        "<=": cell <= value,
        ">": cell > value,
        ">=": cell >= value,
    }
    return ~keeps[rule.op]


def quarantined(rows: DataFrame, dataset: str, table: str, now: dt.datetime) -> DataFrame:
    """Rows whose ``_problem`` is set, as ops.quarantine keeps them; the payload is the row as it came."""
    from pyspark.sql import functions as F

    own = [F.col(f"`{c}`").alias(c.removeprefix("_r_")) for c in rows.columns if c.startswith("_r_")]
    payload = F.to_json(F.struct(*own, F.col("_corrupt")))
    return rows.where(F.col("_problem").isNotNull()).select(
        F.lit(dataset).alias("dataset"),
        F.lit(table).alias("source_table"),
        F.col("_file").alias("file"),
        F.col("_content_hash").alias("content_hash"),
        F.col("_row").alias("row"),
        F.col("_problem.rule").alias("rule"),
        F.col("_problem.column").alias("column"),
        F.col("_problem.reason").alias("reason"),
        payload.alias("payload"),
        F.lit(now).alias("quarantined_at"),
        F.lit(None).cast("string").alias("resolution"),
        F.lit(None).cast("timestamp").alias("resolved_at"),
        F.lit(None).cast("string").alias("resolved_by"),
    )


def settled(open_rows: DataFrame, bad: DataFrame, now: dt.datetime, run_id: str) -> DataFrame:
    """Open rows of ops.quarantine that break their rule no more, resolved: ``fixed``, or
    ``other_rule`` where they break another.

    :param open_rows: rows of ops.quarantine whose files were looked at again
    :param bad: the rows of these files that are bad now, as ``quarantined`` gives them
    """
    from pyspark.sql import functions as F

    row = ["dataset", "source_table", "content_hash", "row"]
    now_broken = bad.groupBy(*row).agg(F.collect_set("rule").alias("_rules"))  # a set that is only asked what is in it
    joined = open_rows.join(now_broken, row, "left")
    gone = joined.where(F.col("_rules").isNull() | ~F.array_contains("_rules", F.col("rule")))
    return gone.withColumns(
        {
            "resolution": F.when(F.col("_rules").isNull(), "fixed").otherwise("other_rule"),
            "resolved_at": F.lit(now),
            "resolved_by": F.lit(run_id),
        }
    ).drop("_rules")
