"""docs/bad-input.md, made from the cases that the tests run: its words cannot differ from what is said."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from tests.support import bad_input as b
from tests.support import odd_input
from tests.support.bad_mappings import LEFT_OUT, MAPPINGS

HEAD = """\
# What you bring, what you see
Every line of these tables is a case of a test (`tests/support/bad_input.py`, `bad_mappings.py`), word by word; `make
golden` makes the page from them.

Four things can become of what is not as it should be, and none is silent:

- a **mapping** is refused before Spark starts;
- a **file** is refused by a run before anything of it is written, and by `check` as far as that looks: one line, exit
  code 2;
- a **row** goes to `ops.quarantine` with rule, column, reason and what it was; the rest of the file comes in;
- it is **read** all the same, where only one reading is right.
"""
MORE = """\
## What nobody can see
A time that fits the mapping's pattern with day and month in the other order, a price in cents where the mapping says
major, 1.234 for a thousand and more where it says decimal points, an id that lost its leading zeros before it came
here: such cells are fine by every rule. `fuserank init` tells the doubts that it has; look at the first events that
`fuserank check` prints.

Links inside of the root may lead out of it: who makes them means it. A bot's million events come in, as rows like
others: its list is no longer than any, nobody else's changes by it, a session of more than
`candidates.co_purchase.max_basket_items` items says nothing of what goes with what.
"""


def page() -> str:
    """The whole page."""
    return "\n".join(_lines())


def _lines() -> Iterator[str]:
    yield HEAD
    yield "## Mappings: refused before Spark starts"
    yield from _table(
        ("in the mapping", "what is said, after the file's name"), ((c.what, _code(c.words)) for c in MAPPINGS)
    )
    yield "## Files: refused by check and by a run"
    whole = [(c.what, _code(c.words)) for c in b.FILES]
    yield from _table(
        ("what you bring", "what is said"),
        [*whole, ("a column of another type than in files before (Parquet)", _code(odd_input.RETYPED))],
    )
    yield "## Files: left out by init"
    yield from _table(("what you bring", "why it is left out"), ((c.what, _code(c.words)) for c in LEFT_OUT))
    yield "## Rows: to quarantine"
    rows = [
        (c.what, f"`{c.rule}`" + (f" in {c.column}" if c.column else ""), _code(c.reason))
        for c in (*b.ROWS, *b.QUOTES, *b.JSON_ROWS)
    ]
    yield from _table(("what you bring", "rule", "reason"), rows)
    yield "## Read all the same"
    read = [(each.what, each.outcome) for each in odd_input.ODD_ROWS]
    read += [(what, f"{outcome}; `{cell}` in Berlin is {utc} UTC") for what, cell, utc, outcome in odd_input.TIMES]
    read += [
        ("CSV in " + ", ".join(odd_input.CHARACTER_SETS), "by `encoding:` of the mapping; any set that Java knows"),
        (
            "columns that are new, gone, in another order or another case, where the mapping does not name them",
            "bronze keeps all that ever came; what a file has not is null",
        ),
        ("the same file under two names", f"once; a run says `{odd_input.TWINS}`"),
    ]
    yield from _table(("what you bring", "what becomes of it"), read)
    yield MORE.rstrip("\n")
    yield ""


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in row)} |"
    yield ""


def _code(words: str) -> str:
    """Words as they are, in a code span: one more backtick around than inside."""
    return f"`` {words} ``" if "`" in words else f"`{words}`"
