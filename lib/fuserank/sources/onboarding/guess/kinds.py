"""What kinds of events a table tells: by the column whose cells are known words, by its ratings, by its name."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from fuserank.sources.onboarding.guess.names import PHRASES, TYPES, kind_of_file, letters, name_parts, rank, some, word
from fuserank.sources.onboarding.scan.looks import EMPTY, ColumnLook, Looks, TableLook

MOST_KINDS = 1_000  # of a column that tells them
_MOST_NUMBERS = 30  # that may stand for kinds
_KNOWN_SHARE = 0.9  # of the rows of a column whose name says nothing of kinds: so many must say known ones
_IDS = {"id", "ids", "key", "hash", "no", "nr", "number"}
_ACTS = {"event", "action", "behavior", "behaviour", "interaction", "activity", "transaction"}
_NAMELESS = 0.3  # or, where no column has a name, so many
_STRANGE = ("feedback", 0.1)
_PHRASES = tuple((needed.split(), meaning) for needed, meaning in PHRASES)
_BEGINNINGS = tuple({needed[0] for needed, _ in _PHRASES})
Kinds = dict[str, tuple[str, str, float]]


@dataclass(frozen=True)
class _Typed:
    """A column that may tell kinds: what it says, how often, and which of that is known."""

    column: ColumnLook
    counts: dict[str, int]
    known: dict[str, tuple[str, float]]

    @property
    def share(self) -> float:
        return sum(self.counts[v] for v in self.known) / self.column.rows

    @property
    def meanings(self) -> int:
        return len(set(self.known.values()))


def kind_of(name: str) -> tuple[str, float] | None:
    """Role and reward of an event that a shop calls so; None where the words are not known."""
    whole = letters(name)
    for form in (whole, whole.removesuffix("s"), whole.removesuffix("ed"), whole.removesuffix("d")):
        if form in TYPES:
            return TYPES[form]
    parts = name_parts(name)
    if not any(p.startswith(_BEGINNINGS) for p in parts):
        return None
    return next((m for needed, m in _PHRASES if all(any(p.startswith(n) for p in parts) for n in needed)), None)


def type_column(looks: Looks, table: TableLook, taken: Collection[str]) -> tuple[str | None, list[str]]:
    """The column that says what kind of event a row is, and what to tell of those that say it too, or might.

    Known words count, then how many kinds they tell apart; a name alone makes no type.
    """
    typed = [t for c in table.columns if c.name not in taken and (t := _typed(looks, table, c)) is not None]
    least = _KNOWN_SHARE if table.header else _NAMELESS
    sure = [t for t in typed if t.known and (_named(t.column) or (t.share >= least and len(t.counts) > 1))]
    ranked = sorted(sure, key=lambda t: (t.meanings < 2, t.share < 0.5, -t.meanings, -t.share, _rank(t.column)))
    if not ranked:
        return None, [_unused(t) for t in typed if _named(t.column) and 1 < t.column.distinct < t.column.filled]
    best, rivals = ranked[0], [t.column.name for t in ranked[1:] if t.meanings > 1]
    remarks = []
    if rivals:
        remarks.append(
            f"{best.column.name} is taken for the kind of event; {', '.join(rivals)} {_says(rivals)} such words too:"
            " fix type_column and types if that is the one"
        )
    return best.column.name, remarks


def kinds_of(looks: Looks, table: TableLook, columns: dict[str, str]) -> tuple[Kinds, list[str]]:
    """What the type column says ("": there is none) → event type, role, reward; and what to tell."""
    if "type" in columns:
        counts = [(v, n) for v, n in looks.commonest(table.name, columns["type"], MOST_KINDS) if v.lower() not in EMPTY]
        known = {v: kind_of(v) for v, _ in counts}
        strange = [v for v, k in known.items() if k is None]
        remarks = []
        if strange:
            more = f" and {len(strange) - 8} more" if len(strange) > 8 else ""
            rows = sum(n for v, n in counts if v in strange)
            remarks.append(
                f"{columns['type']} says {', '.join(strange[:8])}{more} in {some(rows, 'row')}: not known, so taken as"
                " weak feedback; say what they are under types"
            )
        names = {v: made if (made := word(v)) != "t" else f"t_{n}" for n, v in enumerate(known)}  # of other alphabets
        return {v: (names[v], *(k or _STRANGE)) for v, k in known.items()}, remarks
    if "value" in columns:
        return {"": ("rating", "feedback", 1.0)}, []
    kind = kind_of_file(table.name)
    if kind is None and {"amount", "session", "quantity"} & set(columns):
        kind = "purchase"
    return {"": (kind or "interaction", "feedback", 1.0)}, []


def _typed(looks: Looks, table: TableLook, column: ColumnLook) -> _Typed | None:
    if column.found not in {"text", "integer"} or not column.distinct:
        return None
    if column.mostly(column.numbers):  # nobody can know what numbers mean
        few = column.mostly(column.integers) and column.distinct <= _MOST_NUMBERS
        return _Typed(column, dict(column.samples), {}) if few and _named(column) else None
    if column.distinct > MOST_KINDS:
        return _Typed(column, dict(column.samples), {}) if _named(column) else None
    recur = column.distinct <= column.filled / 2  # as words for kinds do
    if not _named(column) and not (recur and any(kind_of(v) for v, _ in column.samples)):
        return None
    counts = {v: n for v, n in looks.commonest(table.name, column.name, MOST_KINDS) if v.lower() not in EMPTY}
    return _Typed(column, counts, {v: k for v in counts if (k := kind_of(v)) is not None})


def _unused(typed: _Typed) -> str:
    first = ", ".join(list(typed.counts)[:5])
    more = f" and {typed.column.distinct - 5:,} more" if typed.column.distinct > 5 else ""
    why = "none is a known kind of event" if typed.column.distinct <= MOST_KINDS else "too many for kinds of events"
    return (
        f"{typed.column.name} says {first}{more}: {why}, so all rows are of one kind; where it tells kinds, write "
        f"type_column: {typed.column.name} and types: in place of type"
    )


def _named(column: ColumnLook) -> bool:
    """Whether the name says that the column tells kinds of events: event_type, action; user_type and event_id don't."""
    place = rank("type", column.name)
    parts = name_parts(column.name)
    if place is None or (parts and parts[-1] in _IDS):
        return False
    return place < 100 or bool(_ACTS & set(parts))


def _rank(column: ColumnLook) -> int:
    place = rank("type", column.name)
    return 1000 if place is None else place


def _says(columns: list[str]) -> str:
    return "says" if len(columns) == 1 else "say"
