"""Records of the online store from batches of rows, without Spark: whatever the batches, nothing is lost."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import lmdb
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuserank.jobs.parts import store_files, store_pieces
from fuserank.serving.store import records as r

ROWS = pa.schema(
    [
        ("user_index", pa.int32()),
        ("user_id", pa.string()),
        ("rank", pa.int32()),
        ("item_index", pa.int32()),
        ("score", pa.float64()),
        ("probability", pa.float64()),
        ("reason_code", pa.string()),
        ("reason", pa.string()),
        ("evidence", pa.list_(pa.string())),
        ("parts", pa.map_(pa.string(), pa.float64())),
    ]
)
STATES = pa.schema(
    [
        ("user_id", pa.string()),
        ("numbers", pa.list_(pa.float64())),
        ("texts", pa.list_(pa.string())),
        ("history", pa.list_(pa.int32())),
    ]
)
TEXT = st.text(max_size=6)
LIST = st.lists(
    st.builds(
        r.ListRow,
        st.integers(0, 2**31 - 1),
        st.floats(allow_nan=False),
        st.floats(0, 1),
        st.dictionaries(st.sampled_from(["als", "popular", "ü", "fnn"]), st.floats(allow_nan=False), max_size=4),
        st.sampled_from(["als", "repeat", ""]),
        TEXT,
        st.lists(TEXT, max_size=3),
    ),
    min_size=1,
    max_size=5,
)
USERS = st.dictionaries(st.text(min_size=1, max_size=5), LIST, max_size=6)


def rows(users: dict[str, list[r.ListRow]]) -> list[dict[str, Any]]:
    return [
        {
            "user_index": user_index,
            "user_id": user,
            "rank": n + 1,
            "item_index": row.item_index,
            "score": row.score,
            "probability": row.probability,
            "reason_code": row.reason_code,
            "reason": row.reason,
            "evidence": row.evidence,
            "parts": list(row.parts.items()),
        }
        for user_index, (user, listed) in enumerate(users.items())
        for n, row in enumerate(listed)
    ]


def sorted_pieces(*pieces: list[pa.RecordBatch]) -> list[pa.RecordBatch]:
    """As the shuffle leaves them, in batches of three."""
    table = pa.Table.from_batches([batch for some in pieces for batch in some], store_pieces.PIECES)
    keys = sorted(range(len(table)), key=lambda n: _key(table, n))
    return list(table.take(pa.array(keys, pa.int64())).combine_chunks().to_batches(3))


def _key(table: pa.Table, n: int) -> tuple[int, bytes, int]:
    shard, user, rank = (table.column(name)[n].as_py() for name in ("shard", "user_id", "rank"))
    return shard, user.encode(), rank


def read(folder: Path, files: list[r.File]) -> dict[str, r.UserRecord]:
    found = {}
    for of in files:
        with lmdb.open(str(folder / of.name), subdir=False, readonly=True, lock=False) as opened, opened.begin() as txn:
            records = {key: r.user_record(value) for key, value in txn.cursor()}
        assert all(r.user_key(record.user_id) == key for key, record in records.items())
        assert len(records) == of.records
        found |= {record.user_id: record for record in records.values()}
    return found


@settings(max_examples=150, deadline=None)
@given(USERS, st.data(), st.integers(1, 3))
def test_each_list_is_stored_as_it_was_ranked_however_its_rows_were_cut(
    tmp_path_factory: pytest.TempPathFactory, users: dict[str, list[r.ListRow]], data: st.DataObject, shards: int
) -> None:
    folder = tmp_path_factory.mktemp("pieces")
    table = pa.Table.from_pylist(rows(users), ROWS)
    cuts = sorted(data.draw(st.sets(st.integers(0, len(table)), max_size=4)) | {0, len(table)})
    whole = table.combine_chunks().to_batches()
    batches = [batch.slice(a, b - a) for batch in whole for a, b in pairwise(cuts)]
    known = {user for n, user in enumerate(users) if n % 2} | {"nobody has a list"}
    states = [
        {
            "user_id": user,
            "numbers": [1.5, None],
            "texts": [None, "ü"],
            "history": [3, -1] if user < "m" else None,
        }
        for user in sorted(known)
    ]
    of_states = pa.RecordBatch.from_pylist(states, STATES)
    pieces = sorted_pieces(list(store_pieces.lists(shards, batches)), list(store_pieces.states(shards, [of_states])))
    made = list(store_files.lists(str(folder), pieces))
    found = read(folder, store_files.files(row for batch in made for row in batch.to_pylist()))
    assert found.keys() == users.keys() | known
    for user in found:
        assert list(found[user].rows) == users.get(user, [])
        assert found[user].features == ([1.5, None, None, "ü"] if user in known else [])
        assert found[user].history == ([3] if user in known and user < "m" else [])
    names = {source for batch in made for row in batch.to_pylist() for source in row["sources"]}
    assert names == {source for listed in users.values() for row in listed for source in row.parts}


def test_rows_that_lie_apart_come_together_in_order_of_their_ranks(tmp_path: Path) -> None:
    listed = [r.ListRow(n, 1.0 / (n + 1), 0.5, {"als": 1.0}, "als", f"reason {n}", [f"item:{n}"]) for n in range(5)]
    mixed = rows({"a": listed, "b": listed[:2]})
    pieces = []
    for places in ((3, 5, 0, 1), (6, 4, 2)):
        batch = pa.RecordBatch.from_pylist([mixed[n] for n in places], ROWS)
        pieces.append(list(store_pieces.lists(1, [batch])))
    assert [batch.num_rows for (batch,) in pieces] == [3, 3]
    [made] = store_files.lists(str(tmp_path), sorted_pieces(*pieces))
    assert {u: list(record.rows) for u, record in read(tmp_path, store_files.files(made.to_pylist())).items()} == {
        "a": listed,
        "b": listed[:2],
    }
