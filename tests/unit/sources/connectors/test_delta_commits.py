"""What commits did, told from the actions of their log; test_delta.py has Delta write them."""

from __future__ import annotations

from typing import Any

from fuserank.sources.connectors.delta_commits import read_commit, stretches


def add(path: str, rows: int | None = None, **more: Any) -> tuple[str, dict[str, Any]]:
    stats = {} if rows is None else {"stats": f'{{"numRecords": {rows}}}'}
    return "add", {"path": path, "dataChange": True} | stats | more


def remove(path: str, data_change: bool = True) -> tuple[str, dict[str, Any]]:
    return "remove", {"path": path, "dataChange": data_change}


def settings(feed: bool) -> tuple[str, dict[str, Any]]:
    return "metaData", {"configuration": {"delta.enableChangeDataFeed": str(feed).lower()}}


def test_an_append_names_its_files_and_counts_their_rows() -> None:
    found = read_commit(
        3, [("commitInfo", {"operation": "WRITE"}), add("a.parquet", 2), add("day=x%2520y/b.parquet", 3)]
    )
    assert (found.added, found.rows, found.rewrites, found.operation) == (("a.parquet", "b.parquet"), 5, False, "WRITE")
    assert read_commit(3, [add("a.parquet", 2), add("b.parquet")]).rows is None  # not all of them tell


def test_rows_are_rewritten_by_removed_files_change_files_and_deletion_vectors_alone() -> None:
    optimised = read_commit(1, [add("b.parquet", 2, dataChange=False), remove("a.parquet", data_change=False)])
    assert (optimised.brings, optimised.rewrites, optimised.removes) == (False, False, True)
    for actions in (
        [remove("a.parquet"), add("b.parquet", 1)],
        [("cdc", {"path": "_change_data/c.parquet", "dataChange": False})],
        [add("a.parquet", 2, deletionVector={"cardinality": 1})],
    ):
        assert read_commit(1, actions).rewrites


def test_commits_are_read_together_until_settings_change_or_files_go_without_the_feed() -> None:
    optimised = [add("z.parquet", dataChange=False), remove("a.parquet", data_change=False)]
    log = [
        [add("a.parquet")],
        optimised,
        [add("b.parquet")],
        [settings(True)],
        [remove("b.parquet")],
        optimised,
        [settings(False)],
        [add("c.parquet")],
    ]
    commits = [read_commit(v, actions) for v, actions in enumerate(log, 1)]
    found = [(s.feed, [c.version for c in s.commits]) for s in stretches(commits, feed=False)]
    assert found == [(False, [1]), (False, [2, 3]), (True, [4, 5, 6]), (False, [7, 8])]
    assert [s.feed for s in stretches(commits[:3], feed=True)] == [True]
