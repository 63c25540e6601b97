"""Rows that are no purchases though they stand among them: returns, cancelled orders. Rules send them to quarantine."""

from __future__ import annotations

from fuserank.sources.onboarding.guess.guesses import Rule
from fuserank.sources.onboarding.guess.names import letters, name_parts, word
from fuserank.sources.onboarding.scan.looks import ColumnLook, Looks, TableLook

_STATES = {"status", "state", "zustand", "estado", "statut", "stato"}
_BAD = (
    "cancel",
    "refund",
    "return",
    "void",
    "fail",
    "declin",
    "reject",
    "chargeback",
    "storn",
    "retour",
    "rueck",
    "zurück",
    "annul",
    "rembours",
    "devuelt",
    "devol",
    "denied",
    "fraud",
    "undeliver",
    "lost",
)
_NOT = {"not", "no", "non", "partially", "partial", "never", "un", "teilweise"}
_FLAGS = {
    "isreturn",
    "isreturned",
    "returned",
    "return",
    "isrefund",
    "isrefunded",
    "refunded",
    "cancelled",
    "canceled",
    "iscancelled",
    "iscanceled",
    "isvoid",
    "voided",
    "retoure",
    "storniert",
    "storno",
    "iscancellation",
}
_TRUE = {"1", "true", "yes", "y", "t", "ja", "x", "1.0"}
_FALSE = {"0", "false", "no", "n", "f", "nein", "0.0"}


def returns(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[tuple[Rule, ...], list[str]]:
    """Rules that keep returns and cancelled orders out of the events, and what to tell of them."""
    rules: list[Rule] = []
    remarks: list[str] = []
    for role, name, kind in (("quantity", "returned", "long"), ("amount", "paid_back", "decimal")):
        if role not in columns or not _may_be_below_zero(table.column(columns[role])):
            continue
        if rows := looks.below_zero(table.name, columns[role]):
            rules.append(Rule(name, columns[role], ">=", 0, kind))
            remarks.append(
                f"{columns[role]} is below 0 in {rows:,} of {table.rows:,} rows: returns are no purchases, so the rule"
                f" {name} sends them to quarantine; where the file says which purchase one takes back, map them as role"
                " reversal with reverses, and take the rule out"
            )
    for column in table.columns:
        if column.name in columns.values() or column.found == "nested":
            continue
        if _is_moment_of_refusal(column):
            name = f"not_{word(column.name)}"
            rules.append(Rule(name, column.name, "empty", None, "string"))
            remarks.append(
                f"{column.name} is told in {column.filled:,} of {table.rows:,} rows: no purchases, so the rule {name}"
                " sends them to quarantine; take it out to keep them"
            )
        for cell, n in _refused(column):
            name = f"not_{word(cell if _is_state(column) else column.name)}"
            if any(r.name == name for r in rules):
                name = f"{name}_{len(rules) + 1}"
            value, kind = (int(cell), "long") if column.whole_floats else (cell, "string")  # the file writes 1.0
            rules.append(Rule(name, column.name, "!=", value, kind))
            remarks.append(
                f"{column.name} says {cell!r} in {n:,} of {table.rows:,} rows: no purchases, so the rule {name} sends"
                " them to quarantine; take it out to keep them"
            )
    return tuple(rules), remarks


def _may_be_below_zero(column: ColumnLook) -> bool:
    return column.low is None or column.low < 0 or column.decimal_commas > 0  # whose lowest number is not known


def _refused(column: ColumnLook) -> list[tuple[str, int]]:
    """What a status or a flag says of rows that are no purchases."""
    counts = list(column.samples)
    if _is_state(column) and column.distinct <= len(counts):
        bad = [(v, n) for v, n in counts if _is_bad(v)]
        return bad if len(bad) < len(counts) else []  # a file of nothing but returns is told by its name
    if letters(column.name) in _FLAGS and {v.lower() for v, _ in counts} <= _TRUE | _FALSE and column.distinct > 1:
        return [(v, n) for v, n in counts if v.lower() in _TRUE]
    return []


def _is_moment_of_refusal(column: ColumnLook) -> bool:
    """A column such as cancelled_at, told in a few rows: it says that these were
    taken back; a loan's return stands in most.
    """
    parts = name_parts(column.name)
    moment = (
        len(parts) > 1 and parts[-1] in {"at", "on", "date", "time", "datum"} and any(p.startswith(_BAD) for p in parts)
    )
    return moment and 0 < column.filled < 0.5 * column.rows


def _is_state(column: ColumnLook) -> bool:
    return bool(_STATES & set(name_parts(column.name))) and column.distinct > 1


def _is_bad(cell: str) -> bool:
    parts = name_parts(cell)
    return not _NOT & set(parts) and any(p.startswith(_BAD) for p in parts)
