"""A real source of each kind of connector, with rows that are counted, and the battery that every kind passes."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pyarrow.parquet as pq
import pytest

from fuserank.config.mapping.load import parse_dataset
from fuserank.registry.connectors import CONNECTORS, FROM_THE_BEGINNING
from fuserank.sources.connectors import landing
from fuserank.sources.connectors.landing import STATE, land, read_cursor
from tests.support.cli import ran
from tests.support.http import Answer, Request, serving

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

CONF = Path(__file__).resolve().parents[2] / "conf"


@dataclass
class Source:
    """A source that can be filled and taken away.

    :param connect: its section of a mapping
    :param add: puts rows with these ids there
    :param unasked: fails where the source is asked while the block runs
    :param id: the field of a landed row that holds its id
    :param needs: what its connector needs
    """

    connect: dict[str, Any]
    add: Callable[[range], None]
    unasked: Callable[[], Any]
    id: str = "id"
    needs: Mapping[Any, Callable[[], Any]] = field(default_factory=dict)


@contextmanager
def _away(path: Path) -> Iterator[None]:
    """The source cannot be read while the block runs: its path is moved away."""
    path.rename(path.with_name("elsewhere"))
    yield
    path.with_name("elsewhere").rename(path)


@contextmanager
def _unasked(requests: list[Request]) -> Iterator[None]:
    before = len(requests)
    yield
    assert len(requests) == before, requests[before:]


@contextmanager
def rest(folder: Path) -> Iterator[Source]:
    """Orders by pages of two, and by what was changed since."""
    rows: list[dict[str, Any]] = []

    def answer(request: Request) -> Answer:
        new, page = [r for r in rows if r["at"] > int(request.query.get("since", -1))], int(request.query["page"])
        return Answer({"data": new[2 * page - 2 : 2 * page]})

    with serving(answer) as site:
        connect = {
            "kind": "rest",
            "url": f"{site.url}/orders",
            "rows": "data",
            "requests_per_second": 10_000,
            "pages": {"kind": "number", "parameter": "page"},
            "since": {"parameter": "since", "column": "at"},
        }
        add = lambda ids: rows.extend({"id": i, "at": i} for i in ids)  # noqa: E731
        yield Source(connect, add, lambda: _unasked(site.requests), needs={"hide": lambda: None})


@contextmanager
def crawl(folder: Path) -> Iterator[Source]:
    """Product pages named by a sitemap."""
    ids: list[int] = []

    def answer(request: Request) -> Answer:
        if request.path == "/sitemap.xml":
            urls = "".join(f"<url><loc>{site.url}/p/{i}</loc></url>" for i in ids)
            return Answer(f'<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{urls}</urlset>')
        if not request.path.startswith("/p/"):
            return Answer("no", 404)
        product = json.dumps({"@type": "Product", "sku": request.path.removeprefix("/p/"), "name": "x"})
        body = f'<html><script type="application/ld+json">{product}</script></html>'
        return Answer(body, headers={"Content-Type": "text/html; charset=utf-8"})

    with serving(answer) as site:
        connect = {"kind": "crawl", "url": f"{site.url}/", "requests_per_second": 10_000, "pages_per_file": 2}
        yield Source(
            connect, ids.extend, lambda: _unasked(site.requests), "item_id", {"say": lambda: lambda line: None}
        )


@contextmanager
def folder(folder: Path) -> Iterator[Source]:
    """Files that others drop, a row each."""
    drop = folder / "drop"
    drop.mkdir()

    def add(ids: range) -> None:
        for i in ids:
            (drop / f"{i}.jsonl").write_text(json.dumps({"id": i}) + "\n")

    yield Source({"kind": "folder", "path": str(drop), "settle_seconds": 0}, add, lambda: _away(drop))


@contextmanager
def delta(folder: Path, spark: SparkSession) -> Iterator[Source]:
    """A Delta table, a commit for each addition."""
    table = folder / "table"
    spark.sql(f"CREATE TABLE delta.`{table}` (id INT) USING delta")

    def add(ids: range) -> None:
        spark.sql(f"INSERT INTO delta.`{table}` SELECT CAST(id AS INT) FROM range({ids.start}, {ids.stop})")

    needs = {
        "spark": lambda: spark,
        "folder": lambda: folder / "shop" / "sales",
        "say": lambda: lambda line: None,
    }
    yield Source({"kind": "delta", "path": str(table)}, add, lambda: _away(table), needs=needs)


@contextmanager
def sqlite(folder: Path) -> Iterator[Source]:
    """The example of docs/add-a-connector.md: a table of a database file."""
    file = folder / "shop.db"
    with sqlite3.connect(file) as database:
        database.execute("CREATE TABLE orders (id INTEGER PRIMARY KEY)")

    def add(ids: range) -> None:
        with sqlite3.connect(file) as database:
            database.executemany("INSERT INTO orders VALUES (?)", [(i,) for i in ids])

    connect = {"kind": "sqlite", "path": str(file), "table": "orders", "after": "id", "rows_per_file": 2}
    yield Source(connect, add, lambda: _away(file))


def passes(source: Source, folder: Path, patch: pytest.MonkeyPatch) -> None:
    """Every row once, however often a run is cut off; the news alone later; a dry
    run that asks nothing and says where it is.
    """
    kind, landed = CONNECTORS[source.connect["kind"]], folder / "shop" / "sales"
    mapping = _mapping(source, folder)
    patch.setenv("FUSERANK_CONF", str(folder / "conf"))
    config = parse_dataset(mapping, "shop.yaml").connect["sales"]

    def dry() -> str:
        before = _files(landed)
        with source.unasked():
            line = ran("fetch", "shop", "--dry-run").stdout
        assert _files(landed) == before
        line = line.removeprefix(f"sales: {kind.name} {kind.from_where(config)} → {landed}, ")
        assert line.count("\n") == 1
        return line.rstrip("\n")

    assert dry() == FROM_THE_BEGINNING
    source.add(range(5))
    cuts = 0
    while cut_off(patch, lambda: land(kind.made(config, source.needs), landed)):
        cuts += 1
        assert cuts < 5, "a run that goes on comes to an end: each brings a piece more"
        assert dry() != FROM_THE_BEGINNING
    assert cuts  # a run that cannot be cut off would prove nothing
    assert _ids(landed, source.id) == list(range(5))
    assert not list(landed.glob(".*.tmp"))
    source.add(range(5, 8))
    news = json.loads(ran("fetch", "shop", "--json").stdout)["sales"]
    assert _ids(landed, source.id) == list(range(8))
    assert ("deleted" in news) == kind.deletes
    before = _files(landed)
    assert json.loads(ran("fetch", "shop", "--json").stdout)["sales"]["files"] == 0
    assert _files(landed) == before
    line = dry()
    assert line != FROM_THE_BEGINNING
    assert line == kind.goes_on(read_cursor(landed), hidden=False)


def cut_off(patch: pytest.MonkeyPatch, run: Callable[[], object]) -> bool:
    """Runs it and stops it at its second cursor, after the file of that one was written; whether it was stopped."""
    put, cursors = landing._put, []

    def dies(target: Path, write: Any) -> int:
        if target.name == STATE:
            cursors.append(target)
            if len(cursors) == 2:
                raise KeyboardInterrupt
        return put(target, write)

    with patch.context() as within:
        within.setattr(landing, "_put", dies)
        try:
            run()
        except KeyboardInterrupt:
            return True
    return False


def _mapping(source: Source, folder: Path) -> dict[str, Any]:
    """Conf with a mapping ``shop`` whose sales come from the source."""
    shutil.copytree(CONF, folder / "conf")
    form = CONNECTORS[source.connect["kind"]].format or "jsonl"
    columns = dict.fromkeys((source.id, "user", "at"), "string") | {"at": "timestamp"}
    mapping = {
        "name": "shop",
        "time_zone": "UTC",
        "currency": {"code": "EUR"},
        "root": {"folder": str(folder / "shop")},
        "files": {"sales": {"path": "sales/*", "format": form, "columns": columns}},
        "connect": {"sales": source.connect},
        "events": [
            {
                "from": "sales",
                "type": "view",
                "role": "feedback",
                "user": "user",
                "item": source.id,
                "time": "at",
                "key": [source.id],
            }
        ],
    }
    (folder / "conf" / "datasets" / "shop.yaml").write_text(json.dumps(mapping))
    return mapping


def _files(landed: Path) -> dict[str, bytes]:
    return (
        {f.name: f.read_bytes() for f in landed.iterdir() if f.is_file() and f.name != STATE} if landed.exists() else {}
    )


def _ids(landed: Path, field: str) -> list[int]:
    """Of all rows that landed, in order; one that came twice stands there twice."""
    found: list[int] = []
    for file in sorted(f for f in landed.iterdir() if not f.name.startswith(("_", "."))):
        if file.suffix == ".parquet":
            found += pq.read_table(file)[field].to_pylist()
        else:
            found += [int(json.loads(line)[field]) for line in file.read_text().splitlines()]
    return sorted(found)
