"""Snapshots of the online store, written without Spark."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot

SURFACE, SHARDS = "home", 4
LONG = "u" * 600  # longer than LMDB's keys


def overwrite(path: Path, data: bytes) -> None:
    """Write a file in place, as somebody may do who does not mind that it is read-only."""
    path.chmod(0o644)
    path.write_bytes(data)


def user(user_id: str, first: int = 0, k: int = 3) -> r.UserRecord:
    """A list of the items from ``first`` on."""
    rows = [
        r.ListRow(
            first + n,
            1 / (n + 1),
            0.5,
            {"als": 0.25, "popular": 0.75 / (n + 1)},
            "popular",
            f"reason {n}",
            [f"item:{n}"],
        )
        for n in range(k)
    ]
    return r.user_of(user_id, rows, [1.0, None], [3, 1])


def item(index: int) -> r.ItemRecord:
    """An item with a department and two neighbours."""
    fields = {"department": f"aisle {index % 3}", "price_minor": 100 + index}
    return r.item_of(index, f"i{index}", f"thing {index}", fields, [((index + 1) % 10, 0.5), ((index + 2) % 10, 0.25)])


def write_snapshot(
    root: Path,
    users: list[r.UserRecord],
    number: int = 1,
    items: int | list[r.ItemRecord] = 10,
    vectors: bool | npt.NDArray[np.float32] = True,
    popular: Sequence[int] = (2, 0, 1),
    surface: str = SURFACE,
    features: Sequence[str] = ("a", "b"),
    segments: Sequence[r.Segment] = (),
    session: r.SessionFit | None = None,
    step: tuple[bytes, npt.NDArray[np.float32]] | None = None,
    at_once: int = 0,
    length: int = 6,
) -> Path:
    """A whole snapshot as jobs/publish_store.py leaves it; it is not yet the current one.

    ``items``: how many, or which; ``vectors``: whether there are any, or which; ``step``: model and items, ``at_once``
    and ``length`` of it.
    """
    folder = snapshot.place_of(root, surface) / f"{number:06d}-run"
    folder.mkdir(parents=True)
    shards = []
    for shard in range(SHARDS):
        mine = sorted((u for u in users if r.shard_of(u.user_id, SHARDS) == shard), key=lambda u: u.user_id.encode())
        records = ((r.user_key(u.user_id), r.encoded(u)) for u in mine)
        shards.append(snapshot.write_records(folder / snapshot.list_file(shard), records))
    every = [item(n) for n in range(items)] if isinstance(items, int) else items
    pairs = [(r.index_key(i.item_index), r.encoded(i)) for i in every]
    pairs += sorted((r.item_key(i.item_id), r.index_key(i.item_index)) for i in every)
    catalogue = snapshot.write_records(folder / snapshot.ITEMS, pairs)
    of_vectors = of_step = None
    if vectors is not False:
        own = np.arange(len(every) * 2, dtype=np.float32).reshape(-1, 2) if vectors is True else vectors
        of_vectors = _file(folder / snapshot.VECTORS, own)
    if step is not None:
        model, items_IE = _file(folder / snapshot.STEP, step[0]), _file(folder / snapshot.STEPS, step[1])
        of_step = r.Step("gru4rec", model, items_IE, length, at_once)
    manifest = r.Manifest(
        contract=r.CONTRACT,
        surface=surface,
        name=folder.name,
        number=number,
        ranking_run_id=f"run-{number}",
        ranking_version=number,
        as_of_date="2024-06-03",
        sources=["als", "popular"],
        features=list(features),
        users=len(users),
        items=len(every),
        popular=list(popular),
        shards=shards,
        catalogue=catalogue,
        vectors=of_vectors,
        table_versions={"ranking.ranking": number},
        segments=list(segments),
        session=session,
        step=of_step,
    )
    snapshot.write_manifest(folder, manifest)
    return folder


def _file(path: Path, of: bytes | npt.NDArray[np.float32]) -> r.File:
    if not isinstance(of, bytes):
        np.save(data := io.BytesIO(), of)
        snapshot.write_bytes(path, data.getvalue(), read_only=True)
    else:
        snapshot.write_bytes(path, of, read_only=True)
    return r.File(path.name, path.stat().st_size, snapshot.sha256_of(path), len(of))
