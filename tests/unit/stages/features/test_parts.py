"""What blocks of users tell of items and stores adds up to what all of them tell, however they are cut."""

from __future__ import annotations

import datetime as dt

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fuserank.config.features import FeaturesConfig
from fuserank.stages.features import compute as of
from fuserank.stages.features import parts as p
from fuserank.stages.features import shop
from fuserank.stages.features.engine import NEVER
from fuserank.tables import features as t
from fuserank.tables.attributes import ITEM_NUMBERS

DAY = dt.date(1970, 2, 20)  # day 50
SETTINGS = of.settings_of(FeaturesConfig())
_line = st.tuples(
    st.integers(0, 5),
    st.integers(0, 4),
    st.integers(0, 3),
    st.integers(0, 49),
    st.integers(0, 3),
    st.integers(0, 900),
    st.sampled_from(["s2", "s1", None]),
)


def table(lines: list[tuple]) -> pa.Table:  # type: ignore[type-arg]
    rows = [
        {
            "user_index": u,
            "item_index": i,
            "basket": b,
            "day": d,
            "seen": d,
            "back": NEVER,
            "quantity": n,
            "spend_minor": m,
            "discount_lines": n % 2,
            "coupon_lines": 0,
            "valued": 1,
            "value_q20": m,
            "store_id": s,
        }
        for u, i, b, d, n, m, s in lines
    ]
    schema = pa.schema([(n, pa.string() if n == "store_id" else pa.int64()) for n in of.LINE])
    return pa.Table.from_pylist(rows, schema)


def parts_of(lines: list[tuple]) -> dict[str, pa.Table]:  # type: ignore[type-arg]
    return p.parts(of.Lines(table(lines)), of.day_number(DAY), SETTINGS)


def plain(parts: dict[str, pa.Table]) -> dict[str, list[tuple]]:  # type: ignore[type-arg]
    return {what: sorted(tuple(row.values()) for row in rows.to_pylist()) for what, rows in parts.items()}


@given(st.lists(_line, min_size=1, max_size=40), st.integers(1, 3))
def test_parts_of_any_blocks_of_users_add_up_to_those_of_all(lines: list[tuple], blocks: int) -> None:  # type: ignore[type-arg]
    several = [parts_of([x for x in lines if x[0] % blocks == k]) for k in range(blocks)]
    some = [parts for parts in several if parts]
    added = {what: p.added_up(what, [p.no_parts(what), *(parts[what] for parts in some)]) for what in p.PARTS}
    assert plain(added) == plain(parts_of(lines))
    again = {what: p.added_up(what, [rows, p.no_parts(what)]) for what, rows in added.items()}
    assert plain(again) == plain(added)


def test_users_of_whom_nothing_was_known_tell_nothing() -> None:
    assert p.parts(of.Lines(table([(0, 0, 0, 49, 1, 100, "s1")])), 20, SETTINGS) == {}
    columns = shop.items_of(p.no_parts("item"), _DESCRIBED, _PROMOTED, SETTINGS)
    assert of.rows_of(t.ITEM, DAY, columns).num_rows == 0
    nothing = shop.stores_of(
        *(p.no_parts(w) for w in ("sold", "visits", "mains")), _PROMOTED, columns["item_index"], SETTINGS
    )
    assert of.rows_of(t.STORE_ITEM, DAY, nothing).num_rows == 0


_NAMES = [name for name, _ in t.ATTRIBUTES]
_DESCRIBED = pa.table(
    {"item_index": pa.array([2, 1, 0], pa.int32()), "list_price_minor": pa.array([None, 5, 7], pa.int64())}
    | {name: ["A", "A", " "] for name in _NAMES}
    | {name: pa.array([None, 3.0, 5.0]) for name in ITEM_NUMBERS}
)
_PROMOTED = pa.table(
    {
        "item_index": pa.array([1, None], pa.int32()),
        "store_id": ["s1", "s9"],
        "display_count": pa.array([1, 1], pa.int32()),
        "mailer_count": pa.array([0, 1], pa.int32()),
    }
)


def test_items_are_described_by_the_catalogue_where_it_knows_them_and_a_blank_text_is_unknown() -> None:
    parts = parts_of([(0, i, i, 40, 2, 300, "s1") for i in (0, 1, 2, 4)])
    columns = shop.items_of(parts["item"], _DESCRIBED, _PROMOTED, SETTINGS)
    rows = {row["item_index"]: row for row in of.rows_of(t.ITEM, DAY, columns).to_pylist()}
    assert {i: (r["brand"], r["brand_index"], r["list_price_minor"]) for i, r in rows.items()} == {
        0: (None, None, 7),
        1: ("A", 1, 5),
        2: ("A", 1, None),
        4: (None, None, None),
    }
    assert {i: r["display_store_share"] for i, r in rows.items()} == {0: 0, 1: 0.5, 2: 0, 4: 0}
    assert {i: r["number_1_level"] for i, r in rows.items()} == {0: 0.75, 1: 0.25, 2: None, 4: None}
    assert rows[1]["category_84d_share"] == 0.5
    items = of.Items.of(of.rows_of(t.ITEM, DAY, columns), ["A"])
    assert items.columns["own_label"].tolist() == [0, 1, 1, 0]
    assert items.index_KI[0].tolist() == [-1, 1, 1, -1]
    with pytest.raises(LookupError, match="item 3 was taken"):
        items.at(items.item_I[:1] + 3)
