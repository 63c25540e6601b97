"""One suite for every store: what is published is read, by key, whole or not at all.

Redis is tried where its server is there (`make redis-test`).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from fuserank.serving.store.contract import Store, StoreError
from fuserank.serving.store.lmdb_store import LmdbStore
from tests.support.stores import LONG, SHARDS, SURFACE, item, overwrite, user, write_snapshot

NAMES = ["ü001", "a", "0", "x" * 480, LONG, "with space", "#\x00\x01", "i1"]


class Opened:
    """A store over a folder of snapshots; ``publish`` makes one of them current."""

    def __init__(self, root: Path, redis: Any) -> None:
        self.root, self.redis = root, redis

    def publish(self, folder: Path, surface: str = SURFACE) -> None:
        snapshot.switch(snapshot.place_of(self.root, surface), folder.name)
        if self.redis is not None:
            from fuserank.serving.store.redis_store import load

            load(self.redis, folder)

    def open(self, surface: str = SURFACE) -> Store:
        if self.redis is None:
            return LmdbStore(self.root, surface)
        from fuserank.serving.store.redis_store import RedisStore

        return RedisStore(self.redis, surface)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A real Redis of its own, on a Unix socket."""
    from redis import Redis

    folder = tmp_path_factory.mktemp("redis")
    command = ["redis-server", "--port", "0", "--unixsocket", f"{folder}/s", "--save", "", "--dir", str(folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        client = Redis(unix_socket_path=f"{folder}/s")
        for _ in range(100):
            if (folder / "s").exists():
                break
            time.sleep(0.05)
        client.ping()
        yield client
        client.close()
        process.terminate()


@pytest.fixture(params=["lmdb", pytest.param("redis", marks=pytest.mark.redis)])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Opened:
    redis = request.getfixturevalue("server") if request.param == "redis" else None
    if redis is not None:
        redis.flushall()
    return Opened(tmp_path / "store", redis)


def test_every_user_and_item_is_found_by_id_and_nobody_else(opened: Opened) -> None:
    opened.publish(write_snapshot(opened.root, [user(name, n) for n, name in enumerate(NAMES)]))
    store = opened.open()
    for n, name in enumerate(NAMES):
        assert store.user(name) == user(name, n)
    for name in ("nobody", "", "ü00", "x" * 479, LONG + "u", "\ud7ff"):
        assert store.user(name) is None
    assert store.item("i7") == item(7)
    assert store.item("i77") is None
    assert store.items([9, 3, 500, 0]) == [item(9), item(3), None, item(0)]
    assert store.items([]) == []
    assert store.indices(["i9", "nothing", "i0"]) == [9, None, 0]
    assert store.indices([]) == []
    vectors = store.vectors()
    assert vectors is not None
    assert vectors.tolist() == np.arange(20).reshape(10, 2).tolist()
    assert (store.manifest.users, store.manifest.items, store.manifest.popular) == (len(NAMES), 10, [2, 0, 1])
    store.close()


def test_the_pointer_is_followed_and_an_older_snapshot_can_be_current_again(opened: Opened) -> None:
    first = write_snapshot(opened.root, [user("a", 0), user("b", 0)], 1)
    opened.publish(first)
    store = opened.open()
    assert not store.refresh()
    second = write_snapshot(opened.root, [user("a", 5)], 2, vectors=False)
    assert not store.refresh(), "it is whole, and not yet current"
    opened.publish(second)
    assert store.user("a") == user("a", 0), "until it looks"
    assert store.refresh()
    assert (store.user("a"), store.user("b"), store.vectors()) == (user("a", 5), None, None)
    opened.publish(first)
    assert store.refresh()
    assert store.user("b") == user("b", 0)
    assert store.problem is None
    store.close()


@pytest.mark.parametrize("surface", ["..", "../home", "a/b", ".hidden", "Startseite oben", "a*", "[ab]", "ü"])
def test_a_surface_of_any_name_has_its_own_place(opened: Opened, surface: str) -> None:
    """And those beside it, which its name may seem to mean, stay as they are."""
    others = {"home": 1, "ab": 2, "b": 3}
    for name, first in others.items():
        opened.publish(write_snapshot(opened.root, [user("a", first)], surface=name), name)
    for number in range(1, 5):
        opened.publish(write_snapshot(opened.root, [user("a", 4 + number)], number, surface=surface), surface)
    assert opened.open(surface).user("a") == user("a", 8)
    for name, first in others.items():
        assert opened.open(name).user("a") == user("a", first)
    assert {p.name for p in opened.root.parent.iterdir()} == {"store"}


def test_an_erased_user_has_no_list_in_any_snapshot_from_then_on(opened: Opened) -> None:
    opened.publish(write_snapshot(opened.root, [user("a"), user("b"), user(LONG)], 1))
    store, other = opened.open(), opened.open()
    store.forget("a")
    store.forget(LONG)
    assert (store.user("a"), store.user(LONG), store.user("b")) == (None, None, user("b"))
    other.refresh()
    assert other.user("a") is None
    opened.publish(write_snapshot(opened.root, [user("a"), user("b")], 2))
    assert store.refresh()
    assert (store.user("a"), store.user("b")) == (None, user("b"))
    assert opened.open().user("a") is None


def test_lists_by_segment_and_users_without_a_list_come_as_they_were_written(opened: Opened) -> None:
    segments = [
        r.Segment("age", "25 – 34", 60, [5, 6]),
        r.Segment("age", "", 50, []),
        r.Segment("income", "ü", 70, [1]),
    ]
    without = r.user_of("new", [], ["25 – 34"])
    opened.publish(write_snapshot(opened.root, [user("a"), without], features=["age"], segments=segments))
    store = opened.open()
    assert store.manifest.segments == segments
    assert store.user("new") == without
    store.forget("new")
    assert store.user("new") is None
    store.close()


def test_a_step_comes_as_it_was_written_and_a_snapshot_without_one_has_none(opened: Opened) -> None:
    items_IE = np.arange(12, dtype=np.float32).reshape(4, 3)
    opened.publish(write_snapshot(opened.root, [user("a")], step=(b"\x00graph", items_IE), at_once=1))
    store = opened.open()
    found, of = store.step(), store.manifest.step
    assert found is not None
    assert of is not None
    assert (found[0], found[1].tolist()) == (b"\x00graph", items_IE.tolist())
    assert (of.source, of.length, of.at_once) == ("gru4rec", 6, 1)
    assert [file.name for file in store.manifest.files[-2:]] == [snapshot.STEP, snapshot.STEPS]
    opened.publish(write_snapshot(opened.root, [user("a")], 2))
    assert store.refresh()
    assert (store.step(), store.manifest.step) == (None, None)
    store.close()


@pytest.mark.parametrize("name", [snapshot.STEP, snapshot.STEPS])
def test_a_step_that_is_not_as_it_was_written_is_refused(tmp_path: Path, name: str) -> None:
    folder = write_snapshot(tmp_path, [user("a")], step=(b"graph", np.ones((4, 3), np.float32)))
    snapshot.switch(tmp_path / SURFACE, folder.name)
    data = bytearray((folder / name).read_bytes())
    data[-1] ^= 1
    overwrite(folder / name, bytes(data))
    with pytest.raises(StoreError, match=f"{name} is not as it was written"):
        LmdbStore(tmp_path, SURFACE)


def test_a_manifest_of_before_steps_is_read(tmp_path: Path) -> None:
    fit = r.SessionFit(1.0, 0.4, 100, "2024-05-06", "2024-06-03", 0.2, 0.1, 0.3, 0.1)
    written = snapshot.read_manifest(write_snapshot(tmp_path, [user("a")], session=fit))
    text = msgspec.json.decode(r.manifest_text(written))
    del text["step"], text["session"]["sequence"]
    assert r.manifest_of(msgspec.json.encode(text)) == written


@pytest.mark.parametrize("contract", [1, 99])
def test_a_store_of_another_contract_or_with_nothing_in_it_is_refused(opened: Opened, contract: int) -> None:
    with pytest.raises(StoreError, match=r"run jobs/publish_store\.py"):
        opened.open()
    folder = write_snapshot(opened.root, [user("a")])
    opened.publish(folder)
    now, then = (f'"contract": {number}' for number in (r.CONTRACT, contract))
    text = (folder / snapshot.MANIFEST).read_text(encoding="utf-8").replace(now, then)
    if opened.redis is None:
        overwrite(folder / snapshot.MANIFEST, text.encode())
    else:
        opened.redis.set(f"fuserank:{{{SURFACE}}}:{folder.name}:manifest", text)
    with pytest.raises(StoreError, match=f"is of contract {contract}, and this fuserank reads {r.CONTRACT}"):
        opened.open()


def _shorter(folder: Path) -> None:
    path = next(p for p in sorted(folder.glob("lists-*.mdb")) if p.stat().st_size > 4096)
    overwrite(path, path.read_bytes()[:-4096])


def _one_bit(folder: Path) -> None:
    data = bytearray((folder / snapshot.ITEMS).read_bytes())
    data[len(data) // 2] ^= 1
    overwrite(folder / snapshot.ITEMS, data)


def _no_manifest(folder: Path) -> None:
    (folder / snapshot.MANIFEST).unlink()


def _half_a_manifest(folder: Path) -> None:
    text = (folder / snapshot.MANIFEST).read_bytes()
    overwrite(folder / snapshot.MANIFEST, text[: len(text) // 2])


def _a_file_gone(folder: Path) -> None:
    (folder / snapshot.VECTORS).unlink()


@pytest.mark.parametrize("damage", [_shorter, _one_bit, _no_manifest, _half_a_manifest, _a_file_gone])
def test_a_broken_snapshot_is_not_taken_and_the_one_before_still_answers(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    first = write_snapshot(tmp_path, [user("a", 0)], 1)
    snapshot.switch(tmp_path / SURFACE, first.name)
    store = LmdbStore(tmp_path, SURFACE)
    second = write_snapshot(tmp_path, [user("a", 5)], 2)
    snapshot.switch(tmp_path / SURFACE, second.name)
    damage(second)
    assert not store.refresh()
    assert second.name in (store.problem or "")
    assert store.user("a") == user("a", 0)
    with pytest.raises(StoreError):
        LmdbStore(tmp_path, SURFACE)
    shutil.rmtree(second)
    third = write_snapshot(tmp_path, [user("a", 7)], 3)
    snapshot.switch(tmp_path / SURFACE, third.name)
    assert store.refresh()
    assert (store.user("a"), store.problem) == (user("a", 7), None)


def test_files_of_a_snapshot_are_read_only_and_open_to_nobody_more_than_before(tmp_path: Path) -> None:
    mask = os.umask(0o027)
    try:
        folder = write_snapshot(tmp_path, [user("a")])
    finally:
        os.umask(mask)
    modes = {f.name: f.stat().st_mode for f in folder.iterdir()}
    assert {mode & 0o222 for mode in modes.values()} == {0}
    assert {mode & 0o007 for mode in modes.values()} == {0}
    assert all(mode & 0o440 == 0o440 for mode in modes.values())


@pytest.mark.parametrize("damage", [_shorter, _one_bit])
def test_a_snapshot_that_is_written_in_place_while_it_answers_gives_way_to_the_one_before(
    tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    first, second = (write_snapshot(tmp_path, [user("a", n)], n) for n in (1, 2))
    snapshot.switch(tmp_path / SURFACE, first.name)
    store = LmdbStore(tmp_path, SURFACE)
    snapshot.switch(tmp_path / SURFACE, second.name)
    assert store.refresh()
    damage(second)
    assert store.refresh()
    assert store.user("a") == user("a", 1)
    assert "written in place after it was taken" in (store.problem or "")
    assert not store.refresh(), "it is not taken again"
    assert store.user("a") == user("a", 1)
    assert "is not as it was written" in (store.problem or "")
    third = write_snapshot(tmp_path, [user("a", 3)], 3)
    snapshot.switch(tmp_path / SURFACE, third.name)
    assert store.refresh()
    assert (store.user("a"), store.problem) == (user("a", 3), None)


def test_a_snapshot_that_is_written_in_place_answers_on_where_no_other_is_open_and_says_so(tmp_path: Path) -> None:
    only = write_snapshot(tmp_path, [user("a")])
    snapshot.switch(tmp_path / SURFACE, only.name)
    store = LmdbStore(tmp_path, SURFACE)
    (only / snapshot.ITEMS).touch()
    assert (store.refresh(), store.problem) == (False, None), "read again, and found as it was"
    _one_bit(only)
    assert not store.refresh()
    assert "written in place after it was taken" in (store.problem or "")
    assert store.user("a") == user("a")


def test_the_pointer_never_names_what_is_not_whole_and_old_snapshots_go(tmp_path: Path) -> None:
    folders = [write_snapshot(tmp_path, [user("a", n)], n) for n in range(1, 6)]
    for n, folder in enumerate(folders):
        os.utime(folder / snapshot.MANIFEST, ns=(n, n))
    place = tmp_path / SURFACE
    with pytest.raises(StoreError, match=r"has no manifest\.json"):
        snapshot.switch(place, "nothing")
    snapshot.switch(place, folders[1].name)
    assert snapshot.prune(place, 3) == ["000001-run", "000003-run"]
    assert sorted(f.name for f in place.iterdir() if f.is_dir()) == ["000002-run", "000004-run", "000005-run"]
    assert LmdbStore(tmp_path, SURFACE).user("a") == user("a", 2)


def test_what_a_killed_writer_left_goes_after_a_day(tmp_path: Path) -> None:
    place = tmp_path / SURFACE
    snapshot.switch(place, write_snapshot(tmp_path, [user("a")]).name)
    for name, age in (("000002-killed", 2 * 86_400), ("000003-under-way", 60)):
        (place / name).mkdir()
        (place / name / "lists-000.mdb").write_bytes(b"x")
        os.utime(place / name, (time.time() - age,) * 2)
    assert snapshot.prune(place, 3) == ["000002-killed"]
    assert (place / "000003-under-way").is_dir()


def test_a_line_of_the_forgotten_that_was_cut_short_is_no_reason_to_forget_less(tmp_path: Path) -> None:
    snapshot.switch(tmp_path / SURFACE, write_snapshot(tmp_path, [user("a"), user("b")]).name)
    store, file = LmdbStore(tmp_path, SURFACE), tmp_path / SURFACE / snapshot.FORGOTTEN
    file.write_bytes(b"6")
    assert not store.refresh()
    assert "has a line that is no key" in (store.problem or "")
    with pytest.raises(StoreError, match="has a line that is no key"):
        store.forget("b")
    assert file.read_bytes().split() == [b"6", b"62"], "it is on disk all the same"
    with pytest.raises(StoreError, match="forget that user again"):
        LmdbStore(tmp_path, SURFACE)


@pytest.mark.redis
def test_a_reader_whose_snapshot_is_gone_from_redis_says_so(server: Any, tmp_path: Path) -> None:
    server.flushall()
    opened = Opened(tmp_path / "store", server)
    opened.publish(write_snapshot(opened.root, [user("a", 1)], 1))
    store = opened.open()
    for number in (2, 3):
        opened.publish(write_snapshot(opened.root, [user("a", number)], number))
    for look in (lambda: store.user("a"), lambda: store.item("i1"), lambda: store.items([1])):
        with pytest.raises(StoreError, match="is no longer in Redis"):
            look()
    assert store.refresh()
    assert store.user("a") == user("a", 3)


def test_records_keep_every_value_and_refuse_what_is_none() -> None:
    rows = [
        r.ListRow(7, 0.1 + 0.2, 0.5, {"als": 0.1, "popular": 0.2}, "als", "because of ü", ["item:1", "event:日本"]),
        r.ListRow(2**31 - 1, -0.0, 1e-300, {}, "", "", []),
        r.ListRow(0, 1.0, 0.25, {"popular": 1.0}, "als", "", ["", "item:2"]),
    ]
    one = r.user_of("ü", rows, [1.0, None, "x", 3], [5, 1])
    found = r.user_record(r.encoded(one))
    assert (list(found.rows), len(found.rows)) == (rows, 3)
    assert (found, found.features, found.history) == (one, [1.0, None, "x", 3], [5, 1])
    assert [found.rows[n] for n in (2, 0, 1)] == [rows[2], rows[0], rows[1]]
    assert list(r.user_record(r.encoded(r.user_of("a", []))).rows) == []
    assert r.item_record(r.encoded(item(3))) == item(3)
    assert item(3).similar == [(4, 0.5), (5, 0.25)]
    with pytest.raises(msgspec.DecodeError):
        r.user_record(b"\xc1")


def test_a_record_is_joined_of_the_pieces_that_tasks_write() -> None:
    one, features = user("ü", 4, 5), msgspec.msgpack.encode([1.0, None]) + msgspec.msgpack.encode([3, 1])
    whole = msgspec.msgpack.encode(one.rows)
    assert r.joined("ü", [whole], features) == r.encoded(one)
    assert r.joined("ü", [whole], None) == r.encoded(r.user_of("ü", list(one.rows)))
    halves = [msgspec.msgpack.encode(r.by_column(list(one.rows)[part])) for part in (slice(2), slice(2, None))]
    assert r.joined("ü", halves, features) == r.encoded(one)
    assert r.joined("ü", [], features) == r.encoded(r.user_of("ü", [], [1.0, None], [3, 1]))


def test_keys_that_come_in_any_order_are_all_found(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    records = {rng.bytes(rng.integers(1, 40)): rng.bytes(rng.integers(0, 2000)) for _ in range(5000)}
    made = snapshot.write_records(tmp_path / "x.mdb", records.items())
    assert (made.records, made.sha256) == (len(records), snapshot.sha256_of(tmp_path / "x.mdb"))
    import lmdb

    with lmdb.open(str(tmp_path / "x.mdb"), subdir=False, readonly=True, lock=False) as opened, opened.begin() as read:
        assert dict(read.cursor()) == records
    assert [f.name for f in tmp_path.iterdir()] == ["x.mdb"]


def test_shards_are_as_spark_would_deal_them() -> None:
    assert [r.shard_of(name, SHARDS) for name in ("a", "ü")] == [0xE8B7BE43 % SHARDS, 0x63D969D5 % SHARDS]
