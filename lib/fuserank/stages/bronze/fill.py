"""Cells that only the first of some rows says, such as the customer of an order whose every
line has a row: the mapping's ``fill_down``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuserank.spellings.casting import named

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.rows import FillConfig


def filled_down(frame: DataFrame, fill: FillConfig) -> DataFrame:
    """The rows of one file (with ``_row``): empty cells have what the last row above with the same key says.

    Rows without a key stay.
    """
    from pyspark.sql import functions as F
    from pyspark.sql.window import Window

    have = set(frame.columns)
    if not have.issuperset(fill.by):  # an optional key that the file has not
        return frame
    above = Window.partitionBy(*map(named, fill.by)).orderBy("_row").rowsBetween(Window.unboundedPreceding, -1)
    known = F.lit(True)
    for name in fill.by:
        known &= _says(name)
    cells = {}
    for name in (n for n in fill.columns if n in have):
        before = F.last(F.when(_says(name), named(name)), ignorenulls=True).over(above)
        cells[name] = F.when(known & ~_says(name), before).otherwise(named(name))
    return frame.withColumns(cells)


def _says(name: str) -> Column:
    """Whether the cell is neither null nor blank."""
    from pyspark.sql import functions as F

    return F.coalesce(F.trim(named(name).cast("string")) != "", F.lit(False))
