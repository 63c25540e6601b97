"""Lists by columns against the same arithmetic by dictionaries and loops."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
import pytest

from fuserank.serving.recommend.catalogue import Catalogue
from fuserank.serving.recommend.lists import Fused, Listed
from fuserank.serving.recommend.session import Near
from fuserank.serving.recommend.table import Table
from fuserank.serving.recommend.weights import SessionWeights
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from tests.support.stores import SURFACE, write_snapshot

ITEMS, WEIGHTS = 60, SessionWeights()


def neighbours(rng: np.random.Generator) -> list[tuple[int, float]]:
    items = rng.choice(ITEMS, rng.integers(0, 12), replace=False)
    return [(item, float(s)) for item, s in zip(items.tolist(), np.round(rng.random(len(items)), 1), strict=True)]


def listed(rng: np.random.Generator, count: int) -> list[r.ListRow]:
    """Rows some of which have one score, one part less or parts that do not sum to the score."""
    rows = []
    for item in rng.choice(ITEMS, count, replace=False).tolist():
        parts = {name: float(part) for name, part in zip("abc", np.round(rng.random(3), 1), strict=True)}
        if item % 3 == 0:
            del parts["b"]
        rows.append(r.ListRow(item, sum(parts.values()) + (item % 5 == 0), 0.5, parts, "a", f"as {item}", ["item:1"]))
    return sorted(rows, key=lambda row: -row.score)


@pytest.fixture(scope="module")
def catalogue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    root, rng = tmp_path_factory.mktemp("store"), np.random.default_rng(3)
    items = [r.item_of(n, f"i{n}", f"thing {n}", {}, neighbours(rng)) for n in range(ITEMS)]
    vectors = rng.standard_normal((ITEMS - 5, 4), dtype=np.float32)
    vectors[::7] = 0
    snapshot.switch(root / SURFACE, write_snapshot(root, [], items=items, vectors=vectors).name)
    store = LmdbStore(root, SURFACE)
    yield Catalogue(store, 100)
    store.close()


def expected(
    rows: list[r.ListRow], others: list[int], seeds: dict[int, float], catalogue: Catalogue, near: Near
) -> dict[int, dict[str, float]]:
    """Parts of each item by loops; cosines are those of ``near``, which are tried elsewhere."""
    total = sum(abs(weight) for weight in seeds.values())
    co_purchase: dict[int, float] = {}
    for item, weight in seeds.items():
        record = catalogue.records([item])[0]
        assert record is not None
        for neighbour, similarity in record.similar:
            co_purchase[neighbour] = co_purchase.get(neighbour, 0.0) + weight / total * similarity
    scores = [row.score for row in rows]
    floor, spread = (min(scores), max(scores) - min(scores) or 1.0) if rows else (0.0, 1.0)
    spread *= WEIGHTS.listed if rows else 1.0
    start = {row.item_index: dict(row.parts) for row in rows}
    for row in rows:
        if abs(rest := row.score - sum(row.parts.values())) > 1e-10:
            start[row.item_index]["rest"] = rest
    start |= {item: {"not_listed": floor} if floor else {} for item in others if item not in start}
    for item, parts in start.items():
        parts["session_co_purchase"] = co_purchase.get(item, 0.0) * spread * WEIGHTS.co_purchase
        parts["session_als"] = float(near.vectors(np.array([item]))[0]) * spread * WEIGHTS.als
    return start


@pytest.mark.parametrize("seed", range(40))
def test_scores_parts_and_order_are_those_of_the_loops(catalogue: Catalogue, seed: int) -> None:
    rng = np.random.default_rng(seed)
    rows = listed(rng, [0, 1, 5, 40][seed % 4])
    picked = rng.choice(ITEMS, 4, replace=False).tolist()
    seeds = dict(zip(picked, [3.0, 1.0, -2.0, 0.5], strict=True))
    near = Near(seeds, catalogue, WEIGHTS.ridge)
    others = near.liked
    fused = Fused(catalogue, Listed(r.by_column(rows)), others, near, WEIGHTS)
    parts = expected(rows, others.tolist(), seeds, catalogue, near)
    order = fused.order.tolist()
    assert sorted(order) == sorted(parts)
    found = {item: fused.describe(item) for item in order}
    for item, described in found.items():
        assert described.parts == pytest.approx(parts[item], abs=1e-6)
        assert sum(described.parts.values()) == pytest.approx(described.score, abs=1e-10)
    assert all((-found[a].score, a) < (-found[b].score, b) for a, b in pairwise(order))


def test_a_published_list_stays_as_it_is_where_nothing_moves_it(catalogue: Catalogue) -> None:
    rows = listed(np.random.default_rng(1), 40)
    fused = Fused(catalogue, Listed(r.by_column(rows)), np.zeros(0, np.int64), None, WEIGHTS)
    assert fused.order.tolist() == [row.item_index for row in rows]
    found = [fused.describe(row.item_index) for row in rows]
    assert [(one.score, one.reason, one.evidence) for one in found] == [(w.score, w.reason, w.evidence) for w in rows]
    some = np.array([rows[7].item_index, rows[3].item_index, 59_000])
    part = Listed(r.by_column(rows)).among(some, Table())
    assert part.rows is not None
    assert [part.rows[n] for n in part.places] == [rows[3], rows[7]]
    assert (part.index.tolist(), part.score.tolist()) == (
        [rows[n].item_index for n in (3, 7)],
        [rows[3].score, rows[7].score],
    )


@pytest.mark.parametrize("near", [None, {1: 1.0}, {1: -1.0}])
def test_a_row_all_of_whose_parts_are_below_0_keeps_its_reason(
    catalogue: Catalogue, near: dict[int, float] | None
) -> None:
    """As those of a stacked fusion may be, which are log-odds."""
    record = catalogue.records([1])[0]
    assert record is not None
    far = next(n for n in range(ITEMS - 5, ITEMS) if n not in dict(record.similar))
    rows = r.by_column([r.ListRow(far, -3.5, 0.1, {"base": -3.0, "als": -0.5}, "als", "as you did", ["item:1"])])
    moved = None if near is None else Near(near, catalogue, WEIGHTS.ridge)
    found = Fused(catalogue, Listed(rows), np.zeros(0, np.int64), moved, WEIGHTS).describe(far)
    assert (found.reason, found.probability, found.score) == ("as you did", 0.1, -3.5)


def test_a_table_finds_places_sums_in_order_and_forgets_between_calls() -> None:
    table, rng = Table(), np.random.default_rng(2)
    for count in (0, 1, 10, 300):
        items, within = rng.integers(0, 200, count), rng.permutation(150)
        where = {item: n for n, item in enumerate(within.tolist())}
        assert table.places(items, within).tolist() == [where.get(item, -1) for item in items.tolist()]
        assert table.places(items, within[:0]).tolist() == [-1] * count
        values, sums = rng.random(count), dict.fromkeys(items.tolist(), 0.0)
        for item, value in zip(items.tolist(), values.tolist(), strict=True):
            sums[item] += value
        once, found = table.summed(items, values)
        assert dict(zip(once.tolist(), found.tolist(), strict=True)) == sums
