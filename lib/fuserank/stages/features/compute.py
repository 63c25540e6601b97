"""Features of whole users, as of a day: the same code for a block of millions of lines in a Spark task and
for one user's in a process without Spark.

A line is a row of Arrow with LINE: an event by which a user took an item. What users' features need
to know of items is handed in (``Items``).
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.stages.features.engine import (
    NO_STORE,
    Block,
    Longs,
    Taken,
    add_up,
    decay_q20,
    known,
    ordered,
    starts_of,
    worked_out,
)
from fuserank.tables import Table
from fuserank.tables import features as t
from fuserank.tables.features import ATTRIBUTES, KINDS, attribute, index_of, pair, user
from fuserank.tables.features.declare import BASKETS, ITEM_BASKETS, LINE_SUMS, PAIRS, Aggregate, Most
from fuserank.tables.features.formulas import Q20, Formula

if TYPE_CHECKING:
    import pyarrow as pa

    from fuserank.config.features import FeaturesConfig

# Columns of a line. basket: a number that names the basket among all of the user's; day: when it
# happened; seen: the first day that is later than its being known; back: the same of its being taken
# back, NEVER where it was not. Days since 1970.
LINE = ("user_index", "item_index", "basket", "day", "seen", "back", *LINE_SUMS[1:], "store_id")
MOST_VALUE = 1e6  # of an event that has one: a larger one is no rating, and its sums would leave the whole numbers
_EPOCH = dt.date(1970, 1, 1).toordinal()


def day_number(day: dt.date) -> int:
    """Days since 1970."""
    return day.toordinal() - _EPOCH


def settings_of(cfg: FeaturesConfig) -> dict[str, float]:
    """The settings that declarations name."""
    return {name: value for name, value in cfg.model_dump().items() if isinstance(value, int | float)}


def _read_of_items() -> tuple[str, ...]:
    formulas = [f.made for f in (*pair.FEATURES, *user.FEATURES, *attribute.FEATURES) if isinstance(f.made, Formula)]
    counted = [f.made.of for f in user.FEATURES if isinstance(f.made, Aggregate)]
    named = {c for one in (*formulas, *counted) for c in one.columns if c.startswith("item.")}
    return tuple(sorted(c.removeprefix("item.") for c in named))


ITEM_COLUMNS = _read_of_items()  # of features.item, or of the catalogue, what users' features are made of


@dataclass(frozen=True)
class Items:
    """What users' features need to know of the I items that anyone took before a day; sorted by item_I.

    About 72 bytes an item.

    index_KI: of each kind of attribute, the lowest item with the same value, −1 where it is unknown. code_KI: the
    place of the value among names_K, the kind's values in their order, of which the first is "" for what is unknown.
    """

    item_I: Longs
    columns: dict[str, npt.NDArray[np.float64]]  # ITEM_COLUMNS
    index_KI: npt.NDArray[np.int32]
    code_KI: npt.NDArray[np.int32]
    names_K: tuple[npt.NDArray[np.object_], ...]

    @classmethod
    def of(cls, rows: pa.Table, own_label: Iterable[str]) -> Items:
        """Out of features.item of one day; ``own_label``: brands that are the shop's own."""
        rows = rows.sort_by("item_index").combine_chunks()
        index = [_doubles(rows[index_of(kind)]) for kind in KINDS]
        coded = {name: coded_names(rows[name], "") for name, _ in ATTRIBUTES}
        brands, code_I = coded["brand"]
        own_brand = np.isin(brands.astype(str), [brand for brand in own_label if brand])
        columns = {n: _doubles(rows[n]) for n in ITEM_COLUMNS if n != "own_label"}
        return cls(
            rows["item_index"].to_numpy().astype(np.int64),
            columns | {"own_label": own_brand[code_I].astype(np.float64)},
            np.stack([np.nan_to_num(x, nan=-1).astype(np.int32) for x in index]),
            np.stack([code_I.astype(np.int32) for _, code_I in coded.values()]),
            tuple(names for names, _ in coded.values()),
        )

    @property
    def nbytes(self) -> int:
        """Bytes of all arrays, about: what each executor that holds it pays."""
        arrays: list[npt.NDArray[Any]] = [self.item_I, self.index_KI, self.code_KI, *self.columns.values()]
        return sum(a.nbytes for a in arrays) + sum(60 + len(name) for names in self.names_K for name in names)

    def at(self, wanted: Longs) -> Longs:
        """Where the wanted items stand; LookupError names one that is not there."""
        at, there = locate(self.item_I, wanted)
        if not there.all():
            raise LookupError(f"item {wanted[~there][0]} was taken, and the items that are handed in do not have it")
        return at


def _doubles(values: Any) -> npt.NDArray[np.float64]:
    """NaN where it is null."""
    return np.asarray(values.to_numpy(), np.float64)


def coded_names(names: Any, nothing: str | None = None) -> tuple[npt.NDArray[np.object_], Longs]:
    """Distinct names in their order (by code points), and of each row the place of its name.

    Where there is none: that of ``nothing``, which is then among them, else −1.
    """
    import pyarrow as pa

    first = [] if nothing is None else [nothing]
    coded = pa.chunked_array([pa.array(first, pa.string()), *names.chunks], pa.string()).combine_chunks()
    coded = coded.dictionary_encode()
    coded = coded.chunk(0) if isinstance(coded, pa.ChunkedArray) else coded
    distinct = np.array(coded.dictionary.to_pylist(), object)
    order = np.argsort(distinct, kind="stable")
    place = np.empty(len(distinct) + 1, np.int64)
    place[order], place[-1] = np.arange(len(distinct)), -1
    codes = place[coded.indices.fill_null(-1).to_numpy()][len(first) :]
    return distinct[order], codes if nothing is None else np.where(codes < 0, place[0], codes)


class Lines:
    """The lines of some whole users."""

    def __init__(self, table: pa.Table) -> None:
        names = {"user": "user_index", "item": "item_index"}
        columns = ("user", "item", "basket", "day", "seen", "back", *LINE_SUMS[1:])
        rows = {name: table[names.get(name, name)].to_numpy().astype(np.int64) for name in columns}
        rows["lines"] = np.ones(table.num_rows, np.int64)
        self.stores, code = coded_names(table["store_id"])
        rows["store"] = np.where(code < 0, NO_STORE, code)
        self.rows = ordered(rows)


def of_users(lines: Lines, as_of: dt.date, items: Items, settings: Mapping[str, float]) -> dict[Table, pa.Table]:
    """The rows of these users, and of their pairs and attributes, by table of the contract; without run_id and, of
    features.user, without demographics. Unknown users have none.
    """
    state = known(lines.rows, day_number(as_of))
    if not len(state["user"]):
        return {}
    taken = Taken(state, day_number(as_of), settings)
    attributes = _attributes(taken, items)
    pair_key, pairs, of_items = _pairs(taken, items, attributes)
    columns = pairs | of_items | taken.settings
    visits, visited = taken.baskets()
    users, user_columns = _users(taken, visits, visited, columns, pair_key["user"])
    main_U = most_visited(visits, visited, settings)[1]
    user_columns |= _tastes(lines, attributes, users, main_U, items)
    named = pair_key | {name.removeprefix("pair."): v for name, v in pairs.items()}
    made = {
        t.USER_ITEM: _table(t.USER_ITEM, as_of, named),
        t.USER: _table(t.USER, as_of, {"user": users} | user_columns),
        t.USER_HISTORY: _table(t.USER_HISTORY, as_of, _history(pair_key, pairs)),
    }
    values = [_attribute_rows(k, rows, items) for k, rows in attributes.items() if len(rows["user"])]
    if values:
        made[t.USER_ATTRIBUTE] = _table(
            t.USER_ATTRIBUTE, as_of, {n: np.concatenate([v[n] for v in values]) for n in values[0]}
        )
    return made


def compute(lines: pa.Table, as_of: dt.date, items: Items, cfg: FeaturesConfig) -> dict[Table, pa.Table]:
    """Features of the users whose ``lines`` (LINE, in any order, all of each user's) these are,
    by table; the batch writes the same rows.
    """
    return of_users(Lines(lines), as_of, items, settings_of(cfg))


def _attributes(taken: Taken, items: Items) -> dict[int, dict[str, Any]]:
    """By number of the kind: user, value (index) and the columns of attribute.FEATURES, sorted by user and value."""
    at_N = items.at(taken.item)
    made = {}
    for k in range(len(KINDS)):
        value_N = items.index_KI[k][at_N]
        order = np.lexsort((taken.basket, value_N, taken.user))
        order = order[value_N[order] >= 0]
        mine, value, basket = taken.user[order], value_N[order], taken.basket[order]
        starts = starts_of(mine, value)
        rows = {n: v[order] for n, v in taken.item_baskets.items()}
        counted = taken.aggregates(attribute.FEATURES, ITEM_BASKETS, rows, starts, basket)
        columns = {f"attribute.{n}": v for n, v in counted.items()}
        key = {
            "user": mine[starts],
            "value": value[starts],
            "at": items.at(value[starts]),  # where the value's item stands
        }
        made[k] = key | worked_out(attribute.FEATURES, "attribute", columns)
    return made


def _pairs(
    taken: Taken, items: Items, attributes: Mapping[int, Mapping[str, Any]]
) -> tuple[Block, dict[str, Any], dict[str, Any]]:
    """user and item of each pair, its pair.* columns, and the item.* columns of its item."""
    key, counted = taken.pairs(pair.FEATURES)
    at_P = items.at(key["item"])
    of_items = {f"item.{name}": values[at_P] for name, values in items.columns.items()}
    beside = dict(of_items)
    for name in {c for f in pair.FEATURES if isinstance(f.made, Formula) for c in f.made.columns}:
        kind, _, column = name.partition(".")
        if kind in KINDS:
            k = KINDS.index(kind)
            rows, value_P = attributes[k], items.index_KI[k][at_P]
            there = (rows["user"] << 32) | rows["value"]
            at, found = locate(there, np.where(value_P < 0, -1, (key["user"] << 32) | value_P))
            beside[name] = np.where(found, rows[column][at], np.nan) if len(there) else np.full(len(at_P), np.nan)
    made = worked_out(pair.FEATURES, "pair", counted | beside)
    return key, {f"pair.{n}": v for n, v in made.items()}, of_items


def _users(
    taken: Taken, visits: Block, visited: Mapping[str, Longs], columns: Mapping[str, Any], pair_user: Longs
) -> tuple[Longs, dict[str, Any]]:
    starts = starts_of(visits["user"])
    counted = taken.aggregates(user.FEATURES, BASKETS, visited, starts)
    counted |= taken.aggregates(user.FEATURES, PAIRS, columns, starts_of(pair_user))
    values = {f"user.{n}": v for n, v in counted.items()} | taken.settings
    return visits["user"][starts], worked_out(user.FEATURES, "user", values)


def _tastes(
    lines: Lines, attributes: Mapping[int, Mapping[str, Any]], users: Longs, main_U: Longs, items: Items
) -> dict[str, Any]:
    """The columns of user.FEATURES that are made by Most; ``main_U``: places of the
    users' main stores, NO_STORE where unknown.
    """
    made: dict[str, Any] = {}
    for one in user.FEATURES:
        if not isinstance(one.made, Most):
            continue
        if one.made.of == "store":
            names = np.append(lines.stores, np.array([None], object))
            made[one.name] = names[np.minimum(main_U, len(names) - 1)]
            continue
        k = KINDS.index(one.made.of)
        rows, at = attributes[k], attributes[k]["at"]
        decayed = rows[f"decayed_{one.made.half_life}d_count"]
        count = np.rint(decayed * float(Q20)).astype(np.int64)  # exact: it was a long over 2^20
        first, total = _highest(rows["user"], count, items.code_KI[k][at])
        place, there = locate(rows["user"][first], users)
        if one.made.share:
            made[one.name] = np.zeros(len(users))
            made[one.name][there] = (count[first] / np.where(total == 0, 1, total))[place[there]]
        else:
            made[one.name] = np.full(len(users), None, object)
            made[one.name][there] = items.names_K[k][items.code_KI[k][at[first]][place[there]]]
    return made


def most_visited(visits: Block, columns: Mapping[str, Longs], settings: Mapping[str, float]) -> tuple[Longs, Longs]:
    """user and main store of each user with baskets; NO_STORE where none of them tells its store."""
    (made,) = (f.made for f in user.FEATURES if isinstance(f.made, Most) and f.made.of == "store")
    half_life = settings[made.half_life] if isinstance(made.half_life, str) else made.half_life
    votes = decay_q20(columns["row.age_days"], half_life)
    has_store = visits["store"] < NO_STORE
    order = np.lexsort((visits["store"], visits["user"]))
    mine, place, votes = visits["user"][order], visits["store"][order], np.where(has_store, votes, 0)[order]
    at = starts_of(mine, place)
    # a basket that tells no store sorts last among equals, and loses against any vote
    votes = np.where(place[at] < NO_STORE, add_up(votes, at), -1)
    first, _ = _highest(mine[at], votes, place[at])
    return mine[at][first], place[at][first]


def _highest(user_N: Longs, count_N: Longs, rank_N: Longs) -> tuple[Longs, Longs]:
    """Of rows sorted by user: where each user's highest count stands, ties to the
    lowest rank; and the sum of the user's counts.
    """
    order = np.lexsort((rank_N, -count_N, user_N))
    starts = starts_of(user_N[order])
    return order[starts], add_up(count_N[order], starts)


def _history(key: Block, pairs: Mapping[str, Any]) -> dict[str, Any]:
    """The last items of each user, −1 where there are no more."""
    order = np.lexsort((key["item"], -pairs["pair.baskets_count"], pairs["pair.since_last_days"], key["user"]))
    mine = key["user"][order]
    starts = starts_of(mine)
    place = np.arange(len(mine)) - np.repeat(starts, np.diff(np.append(starts, len(mine))))
    last = np.full((len(starts), len(t.HISTORY)), -1, np.int64)
    some = place < len(t.HISTORY)
    row = np.repeat(np.arange(len(starts)), np.diff(np.append(starts, len(mine))))
    last[row[some], place[some]] = key["item"][order][some]
    return {"user": mine[starts]} | {name: last[:, k] for k, name in enumerate(t.HISTORY)}


def _attribute_rows(k: int, rows: Mapping[str, Any], items: Items) -> dict[str, Any]:
    kind = np.full(len(rows["user"]), KINDS[k], object)
    names = items.names_K[k][items.code_KI[k][rows["at"]]]
    return {**rows, "kind": kind, "value_index": rows["value"], "value": names}


def _table(table: Table, as_of: dt.date, columns: Mapping[str, Any]) -> pa.Table:
    with_keys = {"user_index": columns["user"], **columns}
    return rows_of(table, as_of, with_keys | ({"item_index": columns["item"]} if "item" in columns else {}))


def rows_of(table: Table, as_of: dt.date, columns: Mapping[str, Any]) -> pa.Table:
    """Columns by name as rows of the contract: those of its columns that are there, in its
    types and order, and as_of_date. NaN is null.
    """
    import pyarrow as pa

    types = {"int": pa.int32(), "long": pa.int64(), "double": pa.float64(), "string": pa.string()}
    present = [c for c in table.columns if c.name in columns]
    arrays = [_typed(columns[c.name], types[c.type]) for c in present]
    days = pa.array(np.full(len(arrays[0]), day_number(as_of), np.int32)).cast(pa.date32())
    return pa.Table.from_arrays([days, *arrays], ["as_of_date", *(c.name for c in present)])


def _typed(values: Any, type: pa.DataType) -> pa.Array:
    import pyarrow as pa

    return values if isinstance(values, pa.Array) else pa.array(values, from_pandas=True).cast(type)
