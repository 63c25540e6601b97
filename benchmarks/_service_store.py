"""A store of many lists, written without Spark, for benchmarks of the service."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot

SURFACE, SHARDS, ITEMS, POPULAR, NEIGHBOURS, FACTORS, SEED = "home", 16, 20_000, 500, 50, 64, 7


def written(root: Path, users: int, rows: int) -> None:
    """A current snapshot: so many users u0, u1 … with lists of so many rows each."""
    rng = np.random.default_rng(SEED)
    folder = root / SURFACE / "000001-bench"
    folder.mkdir(parents=True)
    by_shard: list[list[int]] = [[] for _ in range(SHARDS)]
    for n in range(users):
        by_shard[r.shard_of(f"u{n}", SHARDS)].append(n)
    shards = []
    for shard, mine in enumerate(by_shard):
        records = ((r.user_key(f"u{n}"), r.encoded(_user(n, rows, rng))) for n in sorted(mine, key=lambda n: f"u{n}"))
        shards.append(snapshot.write_records(folder / snapshot.list_file(shard), records))
    catalogue = snapshot.write_records(folder / snapshot.ITEMS, _catalogue(rng))
    vectors = folder / snapshot.VECTORS
    np.save(vectors, rng.standard_normal((ITEMS, FACTORS), dtype=np.float32))
    manifest = r.Manifest(
        contract=r.CONTRACT,
        surface=SURFACE,
        name=folder.name,
        number=1,
        ranking_run_id="bench",
        ranking_version=1,
        as_of_date="2024-06-03",
        sources=["als", "popular"],
        features=[],
        users=users,
        items=ITEMS,
        popular=list(range(POPULAR)),
        shards=shards,
        catalogue=catalogue,
        vectors=r.File(vectors.name, vectors.stat().st_size, snapshot.sha256_of(vectors), ITEMS),
        table_versions={},
    )
    snapshot.write_manifest(folder, manifest)
    snapshot.switch(root / SURFACE, folder.name)


def _user(n: int, count: int, rng: np.random.Generator) -> r.UserRecord:
    items = rng.choice(ITEMS, count, replace=False).tolist()
    scores = np.sort(rng.random(count))[::-1].tolist()
    reason, evidence = "Because you bought something like it", ["item:1"]
    rows = [
        r.ListRow(i, s, s, {"als": s / 2, "popular": s / 2}, "als", reason, evidence)
        for i, s in zip(items, scores, strict=True)
    ]
    return r.user_of(f"u{n}", rows, [], items[:20])


def _catalogue(rng: np.random.Generator) -> Iterator[tuple[bytes, bytes]]:
    for n in range(ITEMS):
        near = list(zip(rng.integers(0, ITEMS, NEIGHBOURS).tolist(), np.linspace(1, 0.1, NEIGHBOURS), strict=True))
        fields: dict[str, str | float | int] = {"department": f"aisle {n % 40}", "price_minor": n % 1000}
        record = r.item_of(n, f"i{n}", f"thing {n}", fields, [(i, float(s)) for i, s in near])
        yield r.index_key(n), r.encoded(record)
    yield from sorted((r.item_key(f"i{n}"), r.index_key(n)) for n in range(ITEMS))
