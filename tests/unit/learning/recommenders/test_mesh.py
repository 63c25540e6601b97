"""The mesh between ranks, with real sockets: threads of this process are the ranks."""

from __future__ import annotations

import hashlib
import socket
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from fuserank.learning.recommenders import mesh as module
from fuserank.learning.recommenders.mesh import Mesh, MeshError, meet


def on_ranks(size: int, work: Callable[[Mesh], Any], token: str, seconds: float = 20.0) -> list[Any]:
    """What ``work`` gives on each rank; the first error is raised."""

    def one(rank: int) -> Any:
        with meet(rank, ["127.0.0.1"] * size, token, seconds) as mesh:
            return work(mesh)

    with ThreadPoolExecutor(size) as pool:
        return [future.result() for future in [pool.submit(one, rank) for rank in range(size)]]


@pytest.mark.parametrize("size", [1, 2, 3, 5])
def test_each_rank_gets_what_each_other_sent_it(size: int) -> None:
    def work(mesh: Mesh) -> list[list[int]]:
        sent = [np.full(mesh.rank + 2 * to, 10 * mesh.rank + to, np.int32) for to in range(size)]  # some are empty
        return [part.tolist() for part in mesh.swap(sent)]

    for rank, came in enumerate(on_ranks(size, work, f"swap {size}")):
        assert came == [[10 * sender + rank] * (sender + 2 * rank) for sender in range(size)]


@pytest.mark.parametrize("size", [1, 2, 4])
def test_slices_of_a_table_larger_than_any_buffer_reach_everyone(size: int) -> None:
    whole = np.random.default_rng(1).random((300_000, 3), dtype=np.float32)
    bounds = np.array([0, *sorted({1000 * k for k in range(1, size)}), len(whole)])

    def work(mesh: Mesh) -> bool:
        table = np.zeros_like(whole)
        mine = slice(bounds[mesh.rank], bounds[mesh.rank + 1])
        table[mine] = whole[mine]
        mesh.fill(table, bounds)
        return bool((table == whole).all())

    assert on_ranks(size, work, f"fill {size}") == [True] * size


def test_a_rank_without_rows_takes_part() -> None:
    bounds = np.array([0, 0, 4])

    def work(mesh: Mesh) -> list[int]:
        table = np.arange(4) if mesh.rank == 1 else np.zeros(4, np.int64)
        mesh.fill(table, bounds)
        return table.tolist()

    assert on_ranks(2, work, "no rows") == [[0, 1, 2, 3]] * 2


def test_two_groups_at_once_do_not_mix() -> None:
    with ThreadPoolExecutor(2) as pool:
        groups = [
            pool.submit(on_ranks, 3, lambda mesh, g=g: [int(a[0]) for a in mesh.gather(np.array([g]))], f"group {g}")
            for g in range(2)
        ]
        assert [group.result() for group in groups] == [[[0] * 3] * 3, [[1] * 3] * 3]


def test_a_port_in_use_by_somebody_else_is_passed_over(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_ANSWER_SECONDS", 0.2)  # the stranger says nothing
    first = module._candidates(hashlib.sha256(b"taken").digest())[0]
    with socket.create_server(("127.0.0.1", first)):
        assert on_ranks(2, lambda mesh: mesh.size, "taken") == [2, 2]


def test_a_rank_that_dies_is_named() -> None:
    def work(mesh: Mesh) -> None:
        if mesh.rank == 1:
            raise ValueError("broken on purpose")
        mesh.gather(np.zeros(3))

    def one(rank: int) -> str:
        try:
            with meet(rank, ["127.0.0.1"] * 2, "dies", 20.0) as mesh:
                work(mesh)
        except (MeshError, ValueError) as error:
            return str(error)
        return "no error"

    with ThreadPoolExecutor(2) as pool:
        left, broken = pool.map(one, range(2))
    assert broken == "broken on purpose"
    assert "rank 1 has left" in left


def test_a_rank_that_dies_ends_the_others_while_they_send_more_than_buffers_hold() -> None:
    def one(rank: int) -> str:
        table = np.zeros((4_000_000, 4), np.float32)
        try:
            with meet(rank, ["127.0.0.1"] * 3, "dies in between", 60.0) as mesh:
                if rank == 1:
                    raise ValueError("broken on purpose")
                mesh.fill(table, np.array([0, 2_000_000, 2_000_000, 4_000_000]))
        except (MeshError, ValueError) as error:
            return str(error)
        return "no error"

    started = time.monotonic()
    with ThreadPoolExecutor(3) as pool:
        errors = list(pool.map(one, range(3)))
    assert "no error" not in errors
    assert time.monotonic() - started < 30  # the time-out is 60


def test_ranks_that_never_come_are_named() -> None:
    with (
        pytest.raises(MeshError, match=r"ranks \[1, 2\] did not come; is there a slot for each\?"),
        meet(0, ["127.0.0.1"] * 3, "alone", 0.3),
    ):
        raise AssertionError("a group of three met with one")
    with pytest.raises(MeshError, match=r"no rank answered on 127\.0\.0\.1"), meet(1, ["127.0.0.1"] * 2, "alone", 0.3):
        raise AssertionError("a group of two met with one")
