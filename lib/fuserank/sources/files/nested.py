"""Cells inside of nested columns, for Spark: objects and lists of JSON or Parquet become
columns and rows as a mapping's paths say.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from fuserank.config.mapping.json_paths import Step, list_of, steps
from fuserank.spellings.casting import named

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

_ELEMENT = "_fuserank_element"  # a name that no file has


def with_paths(frame: DataFrame, paths: Mapping[str, str]) -> DataFrame:
    """The frame with a column of text for each path (column → path); where they name a
    list, with a row for each of its elements.

    A row whose list is empty, or none, stays one row without them. Of JSON nested
    columns are text already, as it was written.
    """
    from pyspark.sql import functions as F

    kinds = dict(frame.dtypes)
    lists = {name for path in paths.values() if (name := list_of(path))}
    if lists:
        elements = _value(kinds, steps(lists.pop()[:-2]))
        frame = frame.withColumn(_ELEMENT, F.explode_outer(_elements(elements)))
    cells = {}
    for column, path in paths.items():
        if (name := list_of(path)) is None:
            cells[column] = _value(kinds, steps(path))
        else:
            rest = path[len(name) :].removeprefix(".")
            cells[column] = _inside(F.col(_ELEMENT), steps(rest)) if rest else F.col(_ELEMENT)
    return frame.withColumns(cells).drop(_ELEMENT)


def _value(kinds: Mapping[str, str], path: list[Step]) -> Column:
    """The cell of a path that begins with a column's name, as text; null where there is none."""
    from pyspark.sql import functions as F

    first, kind = path[0], kinds.get(path[0].name)
    if kind is None:  # of this file no row has it
        return F.lit(None).cast("string")
    cell = named(first.name)
    text = F.to_json(cell) if kind.startswith(("struct", "array", "map")) else cell.cast("string")
    return _inside(_chosen(text, first), path[1:])


def _inside(text: Column, path: list[Step]) -> Column:
    from pyspark.sql import functions as F

    for step in path:
        name = step.name.replace("'", "\\'")
        text = _chosen(F.get_json_object(text, f"$['{name}']"), step)
    return text


def _chosen(text: Column, step: Step) -> Column:
    from pyspark.sql import functions as F

    if step.where is None:
        return text
    name, value = step.where
    fits = F.filter(_elements(text), lambda element: F.get_json_object(element, f"$['{name}']") == F.lit(value))
    return F.try_element_at(fits, F.lit(1))


def _elements(text: Column) -> Column:
    """The elements of a list, each as it was written."""
    from pyspark.sql import functions as F

    return F.from_json(text, "array<string>")
