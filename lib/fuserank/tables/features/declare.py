"""The words in which features are declared.

A declaration says all that others ask: contract, engine, training inputs, docs, oracle.

Rows that are counted: what a user took, as ``ITEM_BASKETS`` (one row per user, item and basket), as ``BASKETS``
(per user and basket) or, one step on, as ``PAIRS`` (per user and item, with what is declared of pairs). Columns
of the first two: age_days, lines, quantity, spend_minor, discount_lines, coupon_lines, valued (lines whose event
has a value of its own, such as a rating), value_q20. Whatever is counted is an integer, so that parts of a
shop's events add up to the same in any order.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from fuserank.tables.contract import Column, ContractError, Person
from fuserank.tables.features.formulas import Columns, Formula, positive

Rows = Literal["item_baskets", "baskets", "pairs"]
ITEM_BASKETS: Rows = "item_baskets"
BASKETS: Rows = "baskets"
PAIRS: Rows = "pairs"
# Of both kinds of baskets; value_q20: the events' own values, in units of 2^-20.
LINE_SUMS = ("lines", "quantity", "spend_minor", "discount_lines", "coupon_lines", "valued", "value_q20")

row, user, item, pair, setting = (Columns(n) for n in ("row", "user", "item", "pair", "setting"))
ONE = Formula("number", number=1.0)
Merge = Literal["sum", "min", "max"]


@dataclass(frozen=True)
class Aggregate:
    """An integer per key: ``of`` over the rows of age within ``ages``, merged by ``merge``.

    ``half_life`` (days): each row counts floor(2^20 · 2^(−age / half_life)) times.
    ``by_basket``: only the first of the rows of a key and basket counts.
    """

    rows: Rows
    merge: Merge = "sum"
    of: Formula = ONE
    ages: tuple[int, int | str] | None = None  # days, both included, the second maybe a setting's name; None: any
    age: str = "age_days"  # the row's column that tells its age
    half_life: int | None = None
    by_basket: bool = False

    def __post_init__(self) -> None:
        if self.ages is not None and (self.merge != "sum" or self.by_basket):
            raise ContractError(
                "a lowest, a highest or a count of baskets has no ages: what lies outside would count as 0"
            )
        if self.ages is not None and self.rows == PAIRS and self.age == "age_days":
            raise ContractError('a pair has two ages: write age="since_last_days" or age="since_first_days"')
        if self.half_life is not None and (self.merge != "sum" or self.of is not ONE or self.by_basket):
            raise ContractError("a decayed count counts rows, each as one")


@dataclass(frozen=True)
class Most:
    """The name for which a user has the highest decayed count; of equal ones the first by name.

    ``of``: a kind of attribute, by its count in features.user_attribute, or "store", by its baskets.
    ``half_life``: days, or a setting's name.
    """

    of: str
    half_life: int | str
    share: bool = False  # its share of the counts of all names instead of the name


@dataclass(frozen=True)
class FromShop:
    """Told by a table of the shop (catalogue, demographics), not counted."""


@dataclass(frozen=True)
class Feature:
    """One declared column; ``stored``: whether the table has it, or other formulas alone read it.

    ``on_page``: on the profile page.
    """

    name: str
    made: Aggregate | Formula | Most | FromShop
    type: str
    unit: str
    doc: str
    nullable: bool = False
    stored: bool = True
    on_page: bool = False
    person: Person | None = None

    @property
    def column(self) -> Column:
        """The column of its table's contract."""
        return Column(self.name, self.type, self.unit, self.doc, self.nullable, person=self.person)


_ASSUMED = {"setting.minor_per_major": 100.0}  # of nothing it makes nothing, whatever it is


@dataclass(frozen=True)
class Input:
    """One numeric input of models, a float: a formula over features, by their table and name."""

    name: str
    formula: Formula
    doc: str
    unit: str = "score"

    @property
    def default(self) -> float:
        """What it holds where nothing is known of user, item and pair: its formula, of nothing."""
        value = self.formula.of_nothing(_ASSUMED)
        if value != value:
            raise ContractError(
                f"input {self.name}: {self.formula} of nothing is not a number; say what counts, by known(…)"
            )
        return round(value, 6) + 0.0


def count(
    name: str,
    rows: Rows,
    doc: str = "",
    *,
    ages: tuple[int, int | str] | None = None,
    age: str = "age_days",
    of: Formula = ONE,
    stored: bool = True,
    on_page: bool = False,
) -> Feature:
    """How many rows, or the sum of ``of``, a whole number."""
    return Feature(
        name, Aggregate(rows, of=of, ages=ages, age=age), "long", "count", doc, stored=stored, on_page=on_page
    )


def counts(
    what: str,
    rows: Rows,
    days: Iterable[int],
    doc: str,
    *,
    age: str = "age_days",
    of: Formula = ONE,
    on_page: Iterable[int] = (),
) -> tuple[Feature, ...]:
    """``count`` within each of so many days before as_of: <what>_<n>d_count."""
    return tuple(
        count(
            f"{what}_{n}d_count",
            rows,
            f"{doc} in the {n} days before as_of",
            ages=(0, n),
            age=age,
            of=of,
            on_page=n in set(on_page),
        )
        for n in days
    )


def distinct_baskets(name: str, doc: str) -> Feature:
    """How many baskets, of a key that several rows of a basket may have."""
    return Feature(name, Aggregate(ITEM_BASKETS, by_basket=True), "long", "count", doc)


def total(
    name: str,
    rows: Rows,
    of: Formula,
    doc: str = "",
    *,
    unit: str = "count",
    ages: tuple[int, int] | None = None,
    age: str = "age_days",
    stored: bool = True,
    on_page: bool = False,
) -> Feature:
    """The sum of a column or of a formula of integers."""
    return Feature(name, Aggregate(rows, of=of, ages=ages, age=age), "long", unit, doc, stored=stored, on_page=on_page)


def decayed(rows: Rows, half_lives: Iterable[int], doc: str) -> tuple[Feature, ...]:
    """decayed_<h>d_count: rows, each halved every h days of its age.

    No decayed value is stored: it is made of rows and ages when asked for.
    """
    return tuple(
        Feature(
            f"decayed_{h}d_count",
            Aggregate(rows, half_life=h),
            "double",
            "count",
            f"{doc}, halved every {h} days of age",
        )
        for h in half_lives
    )


def since_last(rows: Rows, doc: str, *, on_page: bool = False) -> Feature:
    """since_last_days: the age of the youngest row."""
    return Feature("since_last_days", Aggregate(rows, "min", row.age_days), "int", "days", doc, on_page=on_page)


def since_first(rows: Rows, doc: str) -> Feature:
    """since_first_days: the age of the oldest row."""
    return Feature("since_first_days", Aggregate(rows, "max", row.age_days), "int", "days", doc)


def formula(
    name: str,
    made: Formula,
    unit: str,
    doc: str = "",
    *,
    nullable: bool = False,
    stored: bool = True,
    on_page: bool = False,
) -> Feature:
    """A double of other columns of the same key, or of what the key belongs to."""
    return Feature(name, made, "double", unit, doc, nullable, stored, on_page)


def from_shop(name: str, type: str, unit: str, doc: str, *, person: Person | None = None) -> Feature:
    """What a table of the shop says, where it does."""
    return Feature(name, FromShop(), type, unit, doc, nullable=True, person=person)


def most(name: str, of: str, half_life: int | str, unit: str, doc: str, *, person: Person | None = None) -> Feature:
    """The name that a user has most of."""
    return Feature(name, Most(of, half_life), "string", unit, doc, nullable=True, on_page=True, person=person)


def share_of_most(name: str, of: str, half_life: int | str, doc: str) -> Feature:
    """How much of what a user has is of that name."""
    return Feature(name, Most(of, half_life, share=True), "double", "share_0_1", doc, on_page=True)


def values(rows: Rows, mean: Formula, doc: str) -> tuple[Feature, ...]:
    """value_mean: the mean of the events' own values (a rating), and the two sums that it is made of."""
    return (
        total("valued", rows, row.valued, stored=False),
        total("value_q20", rows, row.value_q20, stored=False),
        formula("value_mean", mean, "score", doc, nullable=True, on_page=True),
    )


def mean_gap(rows: Columns, baskets: str = "baskets_count") -> Formula:
    """Mean days between baskets of which the first and the last are known; unknown with fewer than two."""
    return (rows.since_first_days - rows.since_last_days) / positive(rows[baskets] - 1)
