"""The features of a small world, read off their declarations by plain loops over plain
rows: slow, obvious, without numpy or Spark.
"""

from __future__ import annotations

import datetime as dt
import math
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from typing import Any

from fuserank.config.features import FeaturesConfig
from fuserank.tables import features as t
from fuserank.tables import silver
from fuserank.tables.attributes import ITEM_NUMBERS
from fuserank.tables.features.declare import BASKETS, LINE_SUMS, PAIRS, Aggregate, Feature, Most
from fuserank.tables.features.formulas import Formula
from tests.support.rows import row
from tests.unit.stages.features.worlds import OWN_LABEL

Row = dict[str, Any]
Key = tuple[Any, ...]
World = dict[str, list[Row]]  # events, items, users, promotions: rows of the silver tables, with the future in them

DECLARED = {
    "pair": t.pair.FEATURES,
    "item": t.item.FEATURES,
    "user": t.user.FEATURES,
    "store": t.store.FEATURES,
    "attribute": t.attribute.FEATURES,
}

_BY_NAME = {of: {f.name: f for f in features} for of, features in DECLARED.items()}


def features(world: World, cfg: FeaturesConfig, as_of: dt.date) -> dict[str, dict[Key, Row]]:
    """Every feature table by name: key → row, from what was known before 00:00 UTC of ``as_of``."""
    known = Known(world, cfg, as_of)
    values = {key: {"value": known.text(key[2], key[1]), **known.row("attribute", key)} for key in known.attributes}
    return {
        t.ITEM.name: {(i,): known.row("item", (i,)) for i in known.items},
        t.USER_ATTRIBUTE.name: values,
        t.USER_ITEM.name: {key: known.row("pair", key) for key in known.by_pair},
        t.USER.name: {(u,): known.row("user", (u,)) for u in known.by_user},
        t.USER_HISTORY.name: {(u,): known.history(u) for u in known.by_user},
        t.STORE_ITEM.name: {key: known.row("store", key) for key in known.store_items()},
    }


def full(name: str, rows: list[Row]) -> list[Row]:
    return [row(next(table for table in silver.TABLES if table.name == f"silver.{name}"), **r) for r in rows]


def grouped(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, list[Row]]:
    groups: dict[Any, list[Row]] = defaultdict(list)
    for one in rows:
        groups[key(one)].append(one)
    return groups


def merged(rows: list[Row]) -> Row:
    """Lines, or parts of a basket, as one."""
    sums = {n: sum(r[n] for r in rows) for n in LINE_SUMS}
    store = min((r["store"] for r in rows if r["store"] is not None), default=None)
    return {**rows[0], **sums, "age_days": min(r["age_days"] for r in rows), "store": store}


class Known:
    """What was known of a world: baskets by key, and every declared value, worked out when it is asked for."""

    def __init__(self, world: World, cfg: FeaturesConfig, as_of: dt.date) -> None:
        self.cfg = cfg
        now = dt.datetime.combine(as_of, dt.time(), dt.UTC)
        past = {name: [r for r in full(name, rows) if r["known_at"] < now] for name, rows in world.items()}
        self.lines = lines(past["events"], as_of)
        by_basket = grouped(self.lines, lambda r: (r["item"], r["basket"]))
        self.item_baskets = [merged(rows) for rows in by_basket.values()]
        self.baskets = [merged(v) for v in grouped(self.item_baskets, lambda r: r["basket"]).values()]
        self.by_pair = grouped(self.item_baskets, lambda r: (r["user"], r["item"]))
        self.by_user = grouped(self.baskets, lambda r: r["user"])
        self.items = sorted({i for _, i in self.by_pair})
        self.people = {int(r["user_id"][1:]): r for r in past["users"]}
        self.catalogue = {int(r["item_id"][1:]): r for r in past["items"]}
        week = [r for r in past["promotions"] if 0 < (as_of - r["week_start"]).days <= cfg.promotion_days]
        self.promoted = [r for r in week if r["on_display"] or r["in_mailer"]]
        self.value, self.sums = cache(self._value), cache(self._sums)
        lowest: dict[tuple[str, str], int] = {}
        for kind, item in ((kind, i) for _, kind in t.ATTRIBUTES for i in self.items):
            if (text := self.text(item, kind)) is not None:
                lowest.setdefault((kind, text), item)
        self.lowest = lowest
        self.by_item = grouped(self.item_baskets, lambda r: r["item"])
        self.by_store = grouped(self.item_baskets, lambda r: (r["store"], r["item"]))
        self.in_store = grouped(self.baskets, lambda r: r["store"])
        self.pairs_of = {
            side: grouped([{"pair": p} for p in self.by_pair], lambda r, k=k: r["pair"][k])
            for k, side in enumerate(("user", "item"))
        }
        self.attributes = grouped(
            ({**r, "kind": kind} for r in self.item_baskets for _, kind in t.ATTRIBUTES if self.text(r["item"], kind)),
            lambda r: (r["user"], r["kind"], self.index(r["item"], r["kind"])),
        )

    def text(self, item: int, kind: str) -> str | None:
        name = next(n for n, k in t.ATTRIBUTES if k == kind)
        return (self.catalogue.get(item, {}).get(name) or "").strip() or None

    def index(self, item: int, kind: str) -> int | None:
        own = self.text(item, kind)
        return None if own is None else self.lowest[kind, own]

    def row(self, of: str, key: Key) -> Row:
        return {f.name: self.value(of, key, f.name) for f in DECLARED[of] if f.stored}

    def _value(self, of: str, key: Key, name: str) -> Any:
        declared = _BY_NAME[of].get(name)
        if declared is not None and isinstance(declared.made, Aggregate):
            return self.aggregate(declared, of, key)
        if declared is not None and isinstance(declared.made, Formula):
            return self.formula(declared.made, lambda column: self.column(of, key, column), (of, key))
        if declared is not None and isinstance(declared.made, Most):
            return self.most(declared.made, key[0])
        return self.looked_up(of, key, name)

    def aggregate(self, feature: Feature, of: str, key: Key) -> Any:
        made = feature.made
        assert isinstance(made, Aggregate)
        rows = self.rows_of(of, key, made.rows)
        if made.ages is not None:
            low, high = (getattr(self.cfg, n) if isinstance(n, str) else n for n in made.ages)
            rows = [r for r in rows if low <= r[made.age] <= high]
        if made.by_basket:
            rows = list({r["basket"]: r for r in rows}.values())
        if made.half_life is not None:
            return sum(math.floor(2**20 * 2 ** (-r[made.age] / made.half_life)) for r in rows) / 2**20
        values = [self.formula(made.of, lambda column, r=r: self.of_row(r, column), None) for r in rows]
        return int({"sum": sum, "min": min, "max": max}[made.merge](values))  # type: ignore[operator]

    def rows_of(self, of: str, key: Key, rows: str) -> list[Row]:
        """The rows of a kind that belong to a key."""
        if rows == PAIRS:
            ages = ("since_last_days", "since_first_days")
            mine = [r["pair"] for r in self.pairs_of[of][key[0]]]
            return [{"pair": p, **{n: self.value("pair", p, n) for n in ages}} for p in mine]
        if of == "user":
            return self.by_user[key[0]]
        if of == "store":
            return self.in_store[key[0]] if rows == BASKETS else self.by_store[key]
        return {"pair": self.by_pair, "attribute": self.attributes}[of][key] if of != "item" else self.by_item[key[0]]

    def of_row(self, row: Row, column: str) -> Any:
        """A column, as formulas over counted rows name it."""
        rows, name = column.split(".")
        return row[name] if rows == "row" else self.column("pair", row["pair"], column)

    def column(self, of: str, key: Key, column: str) -> Any:
        """A column, as formulas of a key name it."""
        rows, name = column.split(".")
        if rows == "setting":
            return getattr(self.cfg, name)
        if rows == of:
            return self.value(of, key, name)
        if rows == "item":
            return self.value("item", (key[1],), name)
        index = self.index(key[1], rows)  # a kind of attribute
        return None if index is None else self.value("attribute", (key[0], rows, index), name)

    def looked_up(self, of: str, key: Key, name: str) -> Any:
        """A value that is not counted but looked up: a user's fact, a promotion, an attribute of the catalogue."""
        if of == "user":
            return self.people.get(key[0], {}).get(name)
        if of == "store":
            mine = [r for r in self.promoted if (r["store_id"], int(r["item_id"][1:])) == key]
            return int(any(r[{"display_count": "on_display", "mailer_count": "in_mailer"}[name]] for r in mine))
        (item,) = key
        if name in ("display_stores", "mailer_stores"):
            flag = {"display_stores": "on_display", "mailer_stores": "in_mailer"}[name]
            return len({r["store_id"] for r in self.promoted if int(r["item_id"][1:]) == item and r[flag]})
        if name == "promoting_stores":
            return len({r["store_id"] for r in self.promoted})
        if name == "list_price_minor":
            return self.catalogue.get(item, {}).get("price_minor")
        if name in ITEM_NUMBERS:
            return self.catalogue.get(item, {}).get(name)
        if name == "own_label":
            return int(self.text(item, "brand") in OWN_LABEL)
        if name.endswith("_index"):
            return self.index(item, name.removesuffix("_index"))
        return self.text(item, dict(t.ATTRIBUTES)[name])

    def most(self, made: Most, user: int) -> Any:
        half_life = getattr(self.cfg, made.half_life) if isinstance(made.half_life, str) else made.half_life
        if made.of == "store":
            by_store = grouped((r for r in self.by_user[user] if r["store"] is not None), lambda r: r["store"])
            counts = {
                s: sum(math.floor(2**20 * 2 ** (-r["age_days"] / half_life)) for r in v) for s, v in by_store.items()
            }
        else:
            mine = [k for k in self.attributes if k[:2] == (user, made.of)]
            counts = {self.text(k[2], made.of): self.value("attribute", k, f"decayed_{half_life}d_count") for k in mine}
        best = min(counts, key=lambda name: (-counts[name], name), default=None)
        total = sum(counts.values())
        return best if not made.share else counts.get(best, 0.0) / total if total else 0.0

    def formula(self, made: Formula, column: Callable[[str], Any], key: Any) -> Any:
        """A formula's value; None where it is unknown."""
        if made.operation == "number":
            return made.number
        if made.operation == "column":
            return column(made.column)
        if made.operation in ("of_all", "of_same"):
            group = self.formula(made.inputs[1], column, key) if made.operation == "of_same" else 0
            return 0 if group is None else self.sums(key[0], made)[group]
        values = [self.formula(one, column, key) for one in made.inputs]
        if made.operation == "place_in_all":
            return None if values[0] is None else self.place(key[0], made.inputs[0], values[0])
        if made.operation == "known":
            return values[0] if values[0] is not None else values[1]
        if made.operation == "is_known":
            return int(values[0] is not None)
        return None if None in values else _WORKED_OUT[made.operation](*values)

    def _sums(self, of: str, made: Formula) -> dict[Any, Any]:
        """What of_all and of_same add up over all items, by group."""
        sums: dict[Any, Any] = defaultdict(int)
        for key in [(i,) for i in self.items]:
            values = [
                self.formula(x, lambda column, key=key: self.column(of, key, column), (of, key)) for x in made.inputs
            ]
            sums[values[1] if len(values) > 1 else 0] += values[0]
        return sums

    def place(self, of: str, made: Formula, value: float) -> float:
        """Half of the items at the value and all below it, as a share of those whose value is known."""
        values = [self.formula(made, lambda column, i=i: self.column(of, (i,), column), (of, (i,))) for i in self.items]
        known = [v for v in values if v is not None]
        return (sum(v < value for v in known) + sum(v == value for v in known) / 2) / len(known)

    def history(self, user: int) -> Row:
        mine = sorted(
            (self.value("pair", p, "since_last_days"), -self.value("pair", p, "baskets_count"), p[1])
            for p in self.by_pair
            if p[0] == user
        )
        last = [i for *_, i in mine][: len(t.HISTORY)]
        return dict(zip(t.HISTORY, last + [-1] * (len(t.HISTORY) - len(last)), strict=True))

    def store_items(self) -> set[Key]:
        mains = {self.value("user", (u,), "main_store_id") for u in self.by_user} - {None}
        late = {(r["store"], r["item"]) for r in self.item_baskets if r["age_days"] <= self.cfg.store_window_days}
        promoted = {(r["store_id"], int(r["item_id"][1:])) for r in self.promoted}
        return {(s, i) for s, i in late | promoted if s in mains and i in self.items}


_WORKED_OUT: dict[str, Callable[..., Any]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / y,
    "share": lambda part, whole: part / whole if whole else 0.0,
    "at_least": max,
    "at_most": min,
    "positive": lambda x: x if x > 0 else None,
    "q20": lambda x: math.floor(2**20 * x),
    "log1p": lambda x: math.log1p(max(x, 0.0)),
    "log": math.log,
    "sqrt": math.sqrt,
    "distance": lambda x, y: abs(x - y),
}


def _valued(value: float | None) -> Row:
    """Whether an event has a value of its own, and it in units of 2^-20; what is no
    number or beyond a million is none.
    """
    valid = value is not None and math.isfinite(value) and abs(value) <= 1e6
    return {"valued": int(valid), "value_q20": math.floor(value * 2**20) if valid else 0}


def lines(events: list[Row], as_of: dt.date) -> list[Row]:
    """A row for each event by which a user took an item, of events that were known."""
    back = {e["reverses_event_id"] for e in events if e["role"] == "reversal"}
    return [
        {
            "user": e["user_index"],
            "item": e["item_index"],
            "basket": (e["user_index"], e["session"] or str(e["event_time"].date())),
            "age_days": (as_of - e["event_time"].date()).days,
            "lines": 1,
            "quantity": e["quantity"] or 0,
            "spend_minor": e["amount_minor"] or 0,
            "discount_lines": int((e["discount_minor"] or 0) > 0),
            "coupon_lines": int((e["coupon_minor"] or 0) > 0),
            **_valued(e["value"]),
            "store": e["store_id"],
        }
        for e in events
        if e["role"] == "feedback" and e["reward_q20"] > 0 and e["event_id"] not in back
    ]
