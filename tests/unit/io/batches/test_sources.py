"""Epoch plans and the two batch sources."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fuserank.common.blocks import Block, concat
from fuserank.config.model import ModelConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.batches.epoch_plan import ManifestError, ShardFile, plan_epoch, read_manifest
from fuserank.io.batches.petastorm import PetastormBatches
from fuserank.learning.models.inputs import inputs_of
from tests.support.shards import planted, write_shards

INPUTS = inputs_of(ModelConfig())
SIZES = [130, 70, 100, 41, 99, 60]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[ShardFile, ...]:
    return read_manifest(write_shards(tmp_path_factory.mktemp("a b") / "shärds%20x", SIZES))


def rows_of(blocks: list[Block]) -> np.ndarray:
    block = concat(blocks)
    return np.column_stack(
        [*block.dense_BF.T, *block.categorical_BC.T, *block.history_BL.T, block.user_B, block.item_B, block.label_B]
    )


def in_order(rows: np.ndarray) -> np.ndarray:
    return rows[np.lexsort(rows.T)]


def test_petastorm_gives_the_oracles_batches_bit_for_bit(files: tuple[ShardFile, ...]) -> None:
    for epoch in (0, 1):
        ours = list(PetastormBatches(files, INPUTS, 64, seed=3).batches(epoch))
        oracle = list(ArrowBatches(files, INPUTS, 64, seed=3).batches(epoch))
        assert [b.rows for b in ours] == [64] * 7 + [52]
        for a, b in zip(ours, oracle, strict=True):
            assert all(np.array_equal(x, y) for x, y in zip(a, b, strict=True))


def test_an_epoch_holds_every_written_row_exactly_once(files: tuple[ShardFile, ...]) -> None:
    columns = planted(sum(SIZES))
    written = np.column_stack([columns[c] for c in (*INPUTS.columns, "label")]).astype(np.float64)
    ranks = [list(PetastormBatches(files, INPUTS, 64, rank=r, ranks=4, seed=3).batches(0)) for r in range(4)]
    read = rows_of([b for blocks in ranks for b in blocks])
    assert np.array_equal(in_order(read), in_order(written))


def test_one_seed_gives_one_order_and_epochs_and_seeds_differ(files: tuple[ShardFile, ...]) -> None:
    def order(seed: int, epoch: int) -> np.ndarray:
        return rows_of(list(PetastormBatches(files, INPUTS, 64, seed=seed).batches(epoch)))

    assert np.array_equal(order(3, 0), order(3, 0))
    assert not np.array_equal(order(3, 0), order(3, 1))
    assert not np.array_equal(order(3, 0), order(4, 0))


def test_ranks_see_other_files_in_other_epochs(files: tuple[ShardFile, ...]) -> None:
    plans = [plan_epoch(files, 3, epoch, 2) for epoch in range(4)]
    assert len({frozenset(f.number for f in plan.files[0]) for plan in plans}) > 1


@settings(deadline=None, max_examples=30)
@given(skip=st.integers(0, 9), batch=st.integers(30, 300))
def test_skipping_batches_gives_what_a_full_read_gives_after_them(
    files: tuple[ShardFile, ...], skip: int, batch: int
) -> None:
    source = ArrowBatches(files, INPUTS, batch, rank=1, ranks=2, seed=3)
    full, rest = list(source.batches(0))[skip:], list(source.batches(0, skip))
    assert len(full) == len(rest)
    assert all(np.array_equal(a.dense_BF, b.dense_BF) for a, b in zip(full, rest, strict=True))


def test_steps_are_those_of_the_longest_rank(files: tuple[ShardFile, ...]) -> None:
    sources = [ArrowBatches(files, INPUTS, 16, rank=r, ranks=4, seed=3) for r in range(4)]
    own = [len(list(s.batches(0))) for s in sources]
    assert len(set(own)) > 1
    assert {s.steps(0) for s in sources} == {max(own)}


@pytest.mark.parametrize("source", [PetastormBatches, ArrowBatches])
def test_rows_that_differ_from_the_manifest_stop_the_epoch(files: tuple[ShardFile, ...], source: type) -> None:
    wrong = [ShardFile(f.url, f.rows + (f.number == 2), f.number) for f in files]
    with pytest.raises(ManifestError, match=r"shard=2.*the manifest says 101"):
        list(source(wrong, INPUTS, 64, seed=3).batches(0))


def test_a_lake_whose_path_petastorm_would_cut_is_refused() -> None:
    with pytest.raises(ManifestError, match="move the lake"):
        read_manifest(["file:///lake#1/part-0.parquet"])


def test_files_that_petastorm_loses_at_an_epochs_end_are_read_again(
    files: tuple[ShardFile, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its pool asks for finished workers, then for files not handed out; a pause in between makes the race certain."""
    from petastorm.workers_pool.thread_pool import ThreadPool

    finished, hand_out, lost = ThreadPool.all_workers_done, ThreadPool.ventilate, []

    def finished_then_pause(pool: ThreadPool) -> bool:
        done = bool(finished(pool))
        if done and pool._ventilated_items == len(files) - 1:
            lost.append(files[-1])
            time.sleep(0.6)
        return done

    def last_file_late(pool: ThreadPool, *args: object, **kwargs: object) -> None:
        if pool._ventilated_items == len(files) - 1:
            time.sleep(0.3)
        hand_out(pool, *args, **kwargs)

    monkeypatch.setattr(ThreadPool, "all_workers_done", finished_then_pause)
    monkeypatch.setattr(ThreadPool, "ventilate", last_file_late)
    ours = rows_of(list(PetastormBatches(files, INPUTS, 64, seed=3).batches(0)))
    assert lost
    assert np.array_equal(ours, rows_of(list(ArrowBatches(files, INPUTS, 64, seed=3).batches(0))))


def test_an_empty_shard_is_no_obstacle(tmp_path: Path) -> None:
    files = read_manifest(write_shards(tmp_path, [5, 0, 7]))
    for source in (PetastormBatches, ArrowBatches):
        assert sum(b.rows for b in source(files, INPUTS, 64, seed=3).batches(0)) == 12


def test_petastorm_says_nothing(
    files: tuple[ShardFile, ...], capfd: pytest.CaptureFixture[str], recwarn: pytest.WarningsRecorder
) -> None:
    list(PetastormBatches(files, INPUTS, 64, seed=3).batches(0))
    assert "".join(capfd.readouterr()) == ""
    assert [w.message for w in recwarn if issubclass(w.category, (FutureWarning, DeprecationWarning))] == []


def test_artifacts_are_read_back_and_a_changed_one_is_refused(tmp_path: Path) -> None:
    from fuserank.io.lake import artifacts

    weights, card, sha256 = artifacts.encode({"b": np.arange(3.0), "a": np.eye(2, dtype=np.float32)}, {"kind": "fnn"})
    artifacts.write(str(tmp_path / "m"), weights, card, {"provenance.json": {"run_id": "r"}})
    arrays, read_card = artifacts.read(str(tmp_path / "m"), sha256)
    assert np.array_equal(arrays["b"], np.arange(3.0))
    assert read_card == {"kind": "fnn"}
    (tmp_path / "m" / "card.json").write_text('{"kind": "other"}')
    with pytest.raises(artifacts.ArtifactError, match="differs"):
        artifacts.read(str(tmp_path / "m"), sha256)
