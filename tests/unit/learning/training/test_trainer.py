"""The trainer over ranks: every row once, no hanging, resume to the bit, NaN stops. Local gloo processes, no Spark."""

from __future__ import annotations

import itertools
import pickle
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file

from fuserank.common.errors import FuserankError
from fuserank.config.train import TrainConfig
from fuserank.io.batches.epoch_plan import ShardFile, read_manifest
from fuserank.learning.training.trainer import TrainingDiverged
from tests.support.shards import planted, write_shards
from tests.unit.learning.training.spawned import KILLED, SMALL, Job, Killed, on_ranks, train_here

SIZES = [700, 100, 650, 640, 90, 500]  # ragged on purpose: the ranks' rows differ
PLAIN = SMALL.model_copy(update={"dropout": 0.0, "embedding_dropout": 0.0})
WHOLE = {"batch": 2 * sum(SIZES)}  # an epoch is one step
LITTLE = {"embedding_optimiser": "rowwise_adagrad", "embedding_rate_share": 0.3, "accumulate": 3, "clip_norm": 0.5}


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> tuple[ShardFile, ...]:
    return read_manifest(write_shards(tmp_path_factory.mktemp("shards"), SIZES))


def config(ranks: int, **changes: Any) -> TrainConfig:
    plain = {"batch": 256, "epochs": 2, "patience": 9, "warmup_steps": 4, "checkpoint_steps": 3}
    return TrainConfig(ranks=ranks, **(plain | changes))


def seen_rows(ranks: list[dict[str, Any]]) -> Counter[tuple[int, float]]:
    """How often each row was given, over all ranks: its key and its first numeric column."""
    return Counter(row for r in ranks for row in zip(r["keys"], r["dense"], strict=True))


def planted_rows() -> Counter[tuple[int, float]]:
    """The rows of one epoch."""
    columns = planted(sum(SIZES))
    keys = columns["user_index"].astype(np.int64) * 100_000 + columns["item_index"]
    first = columns[next(c for c in columns if c.startswith("pair_"))]
    return Counter(zip(keys.tolist(), first.tolist(), strict=True))


@pytest.fixture(scope="module")
def runs(files: tuple[ShardFile, ...], tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, Any]]]:
    """Two ranks: a straight run, an epoch in one step, a run that is killed; then two fresh ranks that resume it."""
    out = tmp_path_factory.mktemp("two-ranks")
    jobs = {
        "straight": Job(files, config(2), out / "straight"),
        "whole": Job(files, config(2).model_copy(update=WHOLE), model=PLAIN),
        "dealt": Job(files, config(2, batch=240), model=PLAIN, dealt=True),
        "in parts": Job(files, config(2, batch=240, accumulate=3), model=PLAIN, dealt=True),
        "late": Job(files, config(2, minutes=1e-9)),
        "killed": Job(files, config(2), out / "c", die_after=8),
    }
    first, codes = on_ranks(2, jobs, out)
    assert KILLED in codes
    assert set(first) == {*jobs} - {"killed"}
    second, codes = on_ranks(2, {"resumed": Job(files, config(2), out / "c")}, out)
    assert codes == {0}
    return first | second


@pytest.fixture(scope="module")
def straight(runs: dict[str, list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return runs["straight"]


def test_ranks_with_unequal_files_take_equal_steps_and_every_row_once_an_epoch(straight: list[dict[str, Any]]) -> None:
    assert straight[0]["steps"] == straight[1]["steps"]
    assert len(straight[0]["keys"]) != len(straight[1]["keys"])
    assert seen_rows(straight) == planted_rows() + planted_rows()


def test_ranks_end_with_the_same_weights_and_curve(straight: list[dict[str, Any]]) -> None:
    assert all(torch.equal(straight[0]["weights"][k], v) for k, v in straight[1]["weights"].items())
    assert straight[0]["curve"] == straight[1]["curve"]


def test_two_ranks_learn_what_one_learns_without_dropout(
    files: tuple[ShardFile, ...], runs: dict[str, list[dict[str, Any]]]
) -> None:
    """The loss is Σ w·l over the Σ w of all ranks: an epoch in one step is one gradient, however the rows are dealt."""
    one, _, _ = train_here(Job(files, config(1).model_copy(update=WHOLE), model=PLAIN))
    for name, value in one.state_dict().items():
        torch.testing.assert_close(runs["whole"][0]["weights"][name], value, atol=1e-5, rtol=1e-4)


@pytest.fixture(scope="module")
def alone(files: tuple[ShardFile, ...]) -> list[dict[str, float]]:
    """The curve of one rank, of steps that are dealt to more below."""
    return train_here(Job(files, config(1, batch=240), model=PLAIN, dealt=True))[1].curve


def same_curve(found: list[dict[str, float]], wanted: list[dict[str, float]]) -> bool:
    """All losses and NDCG within 1e-5 of themselves: what a float32 sum in another order makes."""
    return all(one == pytest.approx(other, rel=1e-5) for one, other in zip(found, wanted, strict=True))


@pytest.mark.parametrize("name", ["dealt", "in parts"])
def test_two_ranks_have_the_curve_of_one_also_where_a_step_is_gone_through_in_parts(
    runs: dict[str, list[dict[str, Any]]], alone: list[dict[str, float]], name: str
) -> None:
    assert same_curve(runs[name][0]["curve"], alone)


def test_ranks_whose_minutes_are_over_stop_together_with_a_validation(runs: dict[str, list[dict[str, Any]]]) -> None:
    assert [(r["steps"], len(r["curve"])) for r in runs["late"]] == [(1, 1), (1, 1)]


def test_two_killed_ranks_resume_to_the_bit(runs: dict[str, list[dict[str, Any]]]) -> None:
    straight, resumed = runs["straight"][0], runs["resumed"][0]
    assert len(resumed["keys"]) < len(straight["keys"])  # it did not start again
    assert all(torch.equal(resumed["weights"][k], v) for k, v in straight["weights"].items())
    assert resumed["curve"] == straight["curve"]


@pytest.mark.parametrize("ranks", [1, 3, 4, 8])  # 8: two of them have no file; 2: the tests above
def test_any_number_of_ranks_reads_every_row_once_an_epoch_in_equal_steps(
    files: tuple[ShardFile, ...], alone: list[dict[str, float]], tmp_path: Path, ranks: int
) -> None:
    jobs = {"run": Job(files, config(ranks, batch=240))}
    if ranks == 4:
        jobs["dealt"] = Job(files, config(4, batch=240), model=PLAIN, dealt=True)
    found, codes = on_ranks(ranks, jobs, tmp_path)
    assert codes == {0}
    assert ranks != 4 or same_curve(found["dealt"][0]["curve"], alone)
    assert len({r["steps"] for r in found["run"]}) == 1
    assert found["run"][0]["steps"] > 0
    assert seen_rows(found["run"]) == planted_rows() + planted_rows()
    assert all(r["curve"] == found["run"][0]["curve"] for r in found["run"])


@pytest.mark.parametrize(("die_after", "more"), [(5, {}), (13, LITTLE)])  # within the first epoch, within the second
def test_a_killed_run_on_one_rank_resumes_to_the_bit(
    files: tuple[ShardFile, ...], tmp_path: Path, die_after: int, more: dict[str, Any]
) -> None:
    model, end, _ = train_here(Job(files, config(1, **more)))
    with pytest.raises(Killed):
        train_here(Job(files, config(1, **more), tmp_path / "c", die_after=die_after))
    again, resumed, _ = train_here(Job(files, config(1, **more), tmp_path / "c"))
    assert resumed == end
    assert all(torch.equal(again.state_dict()[k], v) for k, v in model.state_dict().items())


def test_a_checkpoint_of_other_settings_is_not_resumed(files: tuple[ShardFile, ...], tmp_path: Path) -> None:
    import json

    train_here(Job(files, config(1), tmp_path / "c"))
    state = tmp_path / "c" / "checkpoint.json"
    state.write_text(json.dumps(json.loads(state.read_text()) | {"fingerprint": "other"}))
    _, end, batches = train_here(Job(files, config(1), tmp_path / "c"))
    assert len(batches.yielded) == end.total_steps


def test_a_checkpoint_names_the_plan_and_the_files_that_are_done(files: tuple[ShardFile, ...], tmp_path: Path) -> None:
    import json

    with pytest.raises(Killed):
        train_here(Job(files, config(1), tmp_path / "c", die_after=5))
    plan = json.loads((tmp_path / "c" / "checkpoint.json").read_text())["plan"]
    assert sorted(plan["files"][0]) == sorted(f.url for f in files)
    rows = {f.url: f.rows for f in files}
    done = plan["done"][0]
    assert done == plan["files"][0][: len(done)]
    assert sum(rows[u] for u in done) <= 3 * 256 < sum(rows[u] for u in plan["files"][0][: len(done) + 1])


def test_a_loss_that_is_no_number_stops_the_run(files: tuple[ShardFile, ...], tmp_path: Path) -> None:
    with pytest.raises(TrainingDiverged, match="nothing was registered"):
        train_here(Job(files, config(1, learning_rate=1e38), tmp_path / "c"))


def test_the_minutes_of_a_run_count_on_after_a_kill(files: tuple[ShardFile, ...], tmp_path: Path) -> None:
    minute = config(1, minutes=1.0)

    def job(**more: Any) -> Job:  # a step takes ten seconds
        return Job(files, minute, tmp_path / "c", clock=itertools.count(0.0, 10.0).__next__, **more)

    with pytest.raises(Killed):
        train_here(job(die_after=5))  # the checkpoint is of step 3
    _, end, again = train_here(job())
    assert (end.total_steps, len(again.yielded), end.finished) == (6, 3, True)
    assert [one["step"] for one in end.curve] == [6]
    assert train_here(job())[1] == end  # it is over


def test_half_the_bits_of_the_forward_pass_learn_nearly_the_same(files: tuple[ShardFile, ...]) -> None:
    (plain, one, _), (model, half, _) = (
        train_here(Job(files, config(1, precision=precision), model=PLAIN)) for precision in ("float32", "bfloat16")
    )
    assert half.curve[-1]["valid_loss"] == pytest.approx(one.curve[-1]["valid_loss"], rel=0.02)
    assert half.curve != one.curve
    assert {value.dtype for value in model.state_dict().values()} == {v.dtype for v in plain.state_dict().values()}


def test_gradients_that_are_cut_and_rows_with_one_number_of_state_learn_too(files: tuple[ShardFile, ...]) -> None:
    _, cut, _ = train_here(Job(files, config(1, **LITTLE, epochs=4)))
    losses = [one["valid_loss"] for one in cut.curve]
    assert losses[-1] < 0.97 * losses[0]


class _Pickled:
    def __reduce__(self) -> Any:
        return exec, ("raise SystemExit('a checkpoint was run')",)


def test_a_checkpoint_that_is_a_pickle_or_of_another_model_is_refused(
    files: tuple[ShardFile, ...], tmp_path: Path
) -> None:
    job = Job(files, config(1, minutes=1e-9), tmp_path / "c")
    train_here(job)
    path = tmp_path / "c" / "checkpoint.safetensors"
    whole = load_file(path)
    less = {name: value for name, value in whole.items() if name != "model.out.bias"}
    for tensors, message in (
        (less, "lacks the tensor 'out.bias'; remove it and train again"),
        (whole | {"model.out.bias": whole["model.out.bias"][None]}, r"has 'out.bias' of shape \(1, 1\), where \(1,\)"),
    ):
        save_file(tensors, path)
        with pytest.raises(FuserankError, match=message):
            train_here(job)
    path.write_bytes(pickle.dumps(_Pickled()))
    with pytest.raises(FuserankError, match=r"c holds no checkpoint: .*; remove it and train again"):
        train_here(job)


def test_training_stops_when_validation_gets_no_better(files: tuple[ShardFile, ...]) -> None:
    eager = TrainConfig(ranks=1, batch=256, epochs=40, patience=1, learning_rate=1.0, warmup_steps=1)
    _, end, _ = train_here(Job(files, eager))
    assert end.finished
    assert end.epoch < 39
    assert end.curve[-1]["valid_loss"] >= end.curve[-2]["valid_loss"]
