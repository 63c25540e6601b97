"""Which events came before: a bounded table in a file, which outlives its process."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from fuserank.serving.collect.ids import WAYS, Ids
from tests.unit.serving.test_inbox import no_file_beyond

DAY = 86_400.0


def some(*keys: int) -> np.ndarray:
    return np.array(keys, np.uint64)


def test_an_id_is_known_with_what_it_said_until_its_days_are_over(tmp_path: Path) -> None:
    ids = Ids(tmp_path / "ids", 1_000, 7 * DAY)
    assert ids.fresh
    assert ids.contents(some(5, 6), DAY) == [None, None]
    ids.add(some(5, 1 << 63), np.array([50, 60], np.uint32), 10 * DAY)
    assert ids.contents(some(6, 5, 1 << 63), 16.9 * DAY) == [None, 50, 60]
    assert ids.contents(some(5), 17.1 * DAY) == [None]


def test_another_process_and_a_later_one_find_it(tmp_path: Path) -> None:
    ids = Ids(tmp_path / "ids", 1_000, DAY)
    ids.complete()
    other = Ids(tmp_path / "ids", 1_000, DAY)
    ids.add(some(7), np.array([70], np.uint32), DAY)
    ids.turned(99)
    assert other.contents(some(7), DAY) == [70]
    assert other.turn == 99
    later = Ids(tmp_path / "ids", 1_000, DAY)
    assert not later.fresh
    assert later.contents(some(7), DAY) == [70]
    assert Ids(tmp_path / "ids", 5_000, DAY).fresh, "of another size it begins anew"
    assert ids.contents(some(7), DAY) == [70], "and leaves who has the other one mapped in peace"


def test_of_those_that_start_at_once_one_brings_the_ids_and_the_others_wait(tmp_path: Path) -> None:
    def start(n: int) -> tuple[bool, list[int | None]]:
        ids = Ids(tmp_path / "ids", 1_000, DAY)
        fresh = ids.fresh
        if fresh:
            time.sleep(0.2)
            ids.add(some(7), np.array([70], np.uint32), DAY)
        ids.complete()
        return fresh, ids.contents(some(7), DAY)

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(start, range(4)))
    assert sorted(fresh for fresh, _ in found) == [False, False, False, True]
    assert all(known == [70] for _, known in found)


def test_where_a_bucket_is_full_the_oldest_goes_and_no_other(tmp_path: Path) -> None:
    ids = Ids(tmp_path / "ids", 1, 100 * DAY)  # one bucket
    keys = some(*range(1, WAYS + 3))
    for n, key in enumerate(keys):
        ids.add(keys[n : n + 1], np.array([n], np.uint32), DAY + n)
        assert ids.contents(some(int(key)), DAY + n) == [n]
    found = ids.contents(keys, 2 * DAY)
    assert found == [None, None, *range(2, WAYS + 2)]
    ids.add(some(100, 101, 102), np.array([1, 2, 3], np.uint32), 2 * DAY)  # one batch, one bucket
    assert ids.contents(some(100, 101, 102), 2 * DAY) == [1, 2, 3]


def test_a_disk_without_room_for_it_is_found_at_the_start(tmp_path: Path) -> None:
    with no_file_beyond(1_000), pytest.raises(OSError, match=r"File too large|space"):
        Ids(tmp_path / "ids", 1_000, DAY)
    assert not (tmp_path / "ids").exists()
