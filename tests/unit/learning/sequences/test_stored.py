"""Windows in files: what is put comes back, every step once on any number of ranks; ranks go on after a kill."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.train import TrainConfig
from fuserank.io.batches import arrow, petastorm
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.jobs.inputs.sequence_task import SequenceTask, source_of
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.sequences.known import Known
from fuserank.learning.sequences.member import in_order
from fuserank.learning.sequences.settings import SasRecConfig
from fuserank.learning.sequences.stored import COLUMNS, Stored, opened, rows
from fuserank.learning.sequences.windows import Sequences, cuts
from tests.support.family import in_baskets, pairs
from tests.unit.learning.sequences.spawned import on_ranks

LENGTH, PLACES, SHARDS = 7, 60, 5
SMALL = SasRecConfig(
    factors=8, heads=2, length=LENGTH, places=PLACES, epochs=2, negatives=16, dropout=0.0, learning_rate=0.01
)


def taken(users: int = 60) -> Interactions:
    """Users with 1 … 40 takings, two to a basket, of items 3, 6, 9, …"""
    rng = np.random.default_rng(3)
    lines = [
        (u, 3 * int(i) + 3, 1, float(n // 2))
        for u in range(users)
        for n, i in enumerate(rng.permutation(50)[: 1 + u % 40])
    ]
    return Interactions.of_baskets(in_baskets(pairs(lines)))


def by_item() -> tuple[Interactions, Sequences]:
    found = taken()
    in_places = in_order(found)
    return found, replace(in_places, item_N=found.items[in_places.item_N].astype(np.int64))


def steps_of(batches: Iterator[Any], items: np.ndarray) -> Counter[tuple[int, int, int]]:
    """How often each (item, gap, next item) was given."""
    found: Counter[tuple[int, int, int]] = Counter()
    for item_BL, gap_BL, next_BL, *_ in batches:
        real = next_BL >= 0
        found.update(
            zip(items[item_BL[real]].tolist(), gap_BL[real].tolist(), items[next_BL[real]].tolist(), strict=True)
        )
    return found


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[ShardFile, ...]:
    """As a lake has them: one file a shard, rows by position."""
    folder = tmp_path_factory.mktemp("windows")
    found, sequences = by_item()
    table = pa.Table.from_batches([rows(sequences, found.users, LENGTH, 5, SHARDS)])
    urls = []
    for shard in range(SHARDS):
        of_shard = table.filter(pa.compute.equal(table["shard"], shard)).sort_by("position")
        pq.write_table(of_shard, folder / f"{shard}.parquet")
        urls.append((folder / f"{shard}.parquet").as_uri())
    return read_manifest(urls)


def task(files: Sequence[ShardFile], reader: str = "pyarrow", **changes: Any) -> SequenceTask:
    found = taken()
    takers, takings = (
        np.bincount(one, minlength=len(found.items)) for one in (found.weight.indices, in_order(found).item_N)
    )
    known = Known.of(found.items, takers, takings, None, SMALL)
    config = SMALL.model_copy(update=changes)
    return SequenceTask(tuple(files), known, config, TrainConfig(reader=reader), 5, "")


def test_what_is_put_comes_back_in_windows_with_gaps_and_baskets() -> None:
    found, sequences = by_item()
    batch = rows(sequences, found.users, LENGTH, 5, SHARDS)
    columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS}
    back = opened([columns], found.items)
    assert batch["size"].to_pylist() == np.diff(back.starts_U - np.arange(len(back.starts_U))).tolist()
    of_user = dict(
        zip(
            zip(batch["user_index"].to_pylist(), batch["back"].to_pylist(), strict=True), range(len(batch)), strict=True
        )
    )
    user = int(np.argmax(np.diff(sequences.starts_U)))
    start, stop = sequences.starts_U[user : user + 2]
    window = of_user[int(found.users[user]), 0]  # the youngest ends with the last taking
    low, high = back.starts_U[window : window + 2]
    assert found.items[back.item_N[low:high]].tolist() == sequences.item_N[stop - LENGTH - 1 : stop].tolist()
    assert back.gap_N[low:high].tolist() == sequences.gap_N[stop - LENGTH - 1 : stop].tolist()
    assert back.begins_N[low + 1 : high].tolist() == sequences.begins_N[stop - LENGTH : stop].tolist()
    assert back.begins_N[low]  # though it may have been cut out of a basket
    assert {b for u, b in of_user if u == int(found.users[user])} == set(range(-(-(stop - start - 1) // LENGTH)))


@pytest.mark.parametrize("ranks", [1, 2, 3, 8])
@pytest.mark.parametrize("reader", ["pyarrow", "petastorm"])
def test_every_step_is_given_once_an_epoch_in_equally_many_batches(
    files: tuple[ShardFile, ...], ranks: int, reader: str
) -> None:
    found, sequences = by_item()
    sources = [source_of(task(files, reader), rank, ranks) for rank in range(ranks)]
    batches = [[list(source.batches(epoch, source.random(epoch))) for source in sources] for epoch in (0, 1)]
    wanted = steps_of(in_order(found).batches(LENGTH, PLACES, np.random.default_rng(1)), found.items)
    for epoch, of_ranks in enumerate(batches):
        assert {len(of_rank) for of_rank in of_ranks} == {sources[0].steps(epoch)}
        steps = steps_of((b for of_rank in of_ranks for b in of_rank), found.items)
        assert steps.total() == wanted.total()
        # who comes after whom within a basket is drawn; how long each stood is not
        assert sorted(gap for _, gap, _ in steps.elements()) == sorted(gap for _, gap, _ in wanted.elements())
        assert all(b.item_BL.size <= PLACES // ranks or len(b.item_BL) == 1 for of_rank in of_ranks for b in of_rank)
    assert [b.item_BL.tolist() for b in batches[0][0]] != [b.item_BL.tolist() for b in batches[1][0]]
    assert len(sequences.item_N) - len(found.users) == wanted.total()


def test_both_readers_give_the_same_batches(files: tuple[ShardFile, ...]) -> None:
    one, other = (
        [b.item_BL.tolist() for b in source.batches(1, source.random(1))]
        for source in (source_of(task(files, reader), 0, 2) for reader in ("pyarrow", "petastorm"))
    )
    assert one == other


def test_files_read_together_are_sorted_by_length_so_that_little_is_padding(files: tuple[ShardFile, ...]) -> None:
    source = source_of(task(files), 0, 1)
    real = padded = 0
    for batch in source.batches(0, source.random(0)):
        real, padded = real + batch.steps, padded + batch.next_BL.size
    assert real / padded > 0.85


def test_groups_are_cut_as_one_by_one_would_cut_them() -> None:
    rng = np.random.default_rng(4)
    for _ in range(50):
        size = np.sort(rng.integers(1, 12, rng.integers(0, 40)))
        places, ends, low = int(rng.integers(1, 60)), [], 0
        while low < len(size):
            high = low + 1
            while high < len(size) and (high + 1 - low) * size[high] <= places:
                high += 1
            ends.append(high)
            low = high
        assert cuts(size, places) == ends


def test_an_item_that_the_model_does_not_know_and_bytes_that_lack_are_refused() -> None:
    found, sequences = by_item()
    batch = rows(sequences, found.users, LENGTH, 5, SHARDS)
    columns = {name: batch.column(name).to_numpy(zero_copy_only=False) for name in COLUMNS}
    with pytest.raises(FuserankError, match=r"samples\.sequences holds item_index 3, .* make the candidates again"):
        opened([columns], found.items[1:])
    with pytest.raises(FuserankError, match="not as long as they say"):
        opened([columns | {"size": columns["size"] + 1}], found.items)


def test_windows_of_a_user_are_dealt_by_user_window_and_seed_alone() -> None:
    found, sequences = by_item()
    whole = rows(sequences, found.users, LENGTH, 5, SHARDS).to_pandas()
    half = found.users < 30
    starts = sequences.starts_U[: half.sum() + 1]
    some = Sequences(sequences.item_N, sequences.gap_N, sequences.begins_N, starts)
    again = rows(some, found.users[half], LENGTH, 5, SHARDS).to_pandas()
    assert whole[whole.user_index < 30].reset_index(drop=True).equals(again)
    other = rows(sequences, found.users, LENGTH, 6, SHARDS).to_pandas()
    assert (other.shard != whole.shard).mean() > 0.5
    assert set(whole.shard) == set(range(SHARDS))
    assert whole.position.is_unique


def test_ranks_learn_what_one_learns_end_alike_and_go_on_to_the_bit(
    files: tuple[ShardFile, ...], tmp_path: Path
) -> None:
    found = on_ranks(
        2,
        {
            "straight": (task(files, dropout=0.3), None),
            "killed": (task(files, dropout=0.3), 5),
            "split": (task(files), "split"),
            "dense": (task(files, dropout=0.3), "dense"),
        },
        tmp_path,
    )
    straight, other = found["straight"]
    for name in ("e_ID", "net_N"):
        assert np.array_equal(straight[name], other[name])
        assert np.array_equal(straight[name], found["killed"][0][name])  # resumed after step 4, to the bit
        # rows that were looked up and had no gradient, such as padding's, rest where all rows have one
        assert np.abs(straight[name] - found["dense"][0][name]).max() < 0.1 * np.abs(straight[name]).max()
    alone = on_ranks(1, {"split": (task(files), "split")}, tmp_path)["split"][0]
    both = found["split"][0]
    np.testing.assert_allclose(both["e_ID"], alone["e_ID"], atol=2e-3)
    np.testing.assert_allclose(both["net_N"], alone["net_N"], atol=2e-3)


def test_a_rank_without_files_of_its_own_reads_nothing_and_waits() -> None:
    source = Stored(lambda epoch: ((), ()), lambda files: iter(()), {}, np.arange(3), SMALL, 1, rank=1, ranks=2)
    assert source.steps(0) == 0
    assert list(source.batches(0, source.random(0))) == []


def test_readers_give_the_columns_that_are_named(files: tuple[ShardFile, ...]) -> None:
    for reader in (arrow, petastorm):
        (first, *_) = reader.columns_of(files, COLUMNS)
        assert set(first) == set(COLUMNS)
        assert isinstance(first["items"][0], bytes)
