"""The mapping's own comparisons over cells, as silver compares them."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, NamedTuple

from fuserank.config.mapping import words
from fuserank.serving.collect.cells import Uncastable, Unreadable, Value, reader

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import ColumnConfig, RuleConfig

_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class Compared(NamedTuple):
    """A rule; ``holds``: whether a cell keeps it, an empty one keeps all but not_null."""

    name: str
    column: str
    reason: str
    holds: Callable[[Value], bool]


def compared(rule: RuleConfig, column: ColumnConfig) -> Compared:
    """A rule of the mapping over cells of its column.

    :raises Unreadable: what it compares with is none of the column's values
    """
    return Compared(rule.name, rule.column, words.breaks(rule), _holds(rule, column))


def _holds(rule: RuleConfig, column: ColumnConfig) -> Callable[[Value], bool]:
    bare: Callable[[Value], Any] = _trimmed if column.type == "string" else lambda cell: cell
    if rule.op == "not_null":
        return lambda cell: cell is not None
    if rule.op == "empty":
        return lambda cell: cell is None or cell == ""
    read = reader(column)
    try:
        values = [bare(read(v)) for v in (rule.value if isinstance(rule.value, list) else [rule.value])]
    except Uncastable:
        raise Unreadable(f"the rule {rule.name}, whose value is no {column.type}") from None
    if rule.op == "in":
        return lambda cell: cell is None or bare(cell) in values
    sign, value = _SIGNS[rule.op], values[0]
    return lambda cell: cell is None or sign(bare(cell), value)


def _trimmed(cell: Value) -> Value:
    return cell.strip(" ") if isinstance(cell, str) else cell
