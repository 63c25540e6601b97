"""Ranks started by TorchDistributor: they talk to each other, and what they say reaches the driver."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.config.ranks import RanksConfig
from fuserank.io.runtime.ranks import RankError, Report, run_ranks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_what_ranks_report_and_the_traceback_of_the_one_that_died_reach_the_driver(
    spark: SparkSession, tmp_path: Path
) -> None:
    """One group for both: that a run whose ranks all end well returns, each training on a small chain shows."""

    def work(folder: Path, report: Report) -> None:
        import torch
        import torch.distributed as dist

        total = torch.ones(1) * (dist.get_rank() + 1)
        dist.all_reduce(total)
        (folder / f"seen-{dist.get_rank()}").write_text(f"{total.item():g} {torch.get_num_threads()}")
        report({"step": 1, "total": total.item()})
        dist.barrier()  # both have reported
        if dist.get_rank() == 1:
            raise ZeroDivisionError("planted in rank 1")
        dist.all_reduce(torch.ones(1))

    heard: list[dict[str, Any]] = []
    with pytest.raises(RankError, match=r"(?s)rank 1 failed: ZeroDivisionError: planted in rank 1\nTraceback.*in work"):
        run_ranks(work, tmp_path, ranks=2, threads=1, on_progress=heard.append)
    assert {p.read_text() for p in tmp_path.glob("seen-*")} == {"3 1"}
    assert heard == [{"step": 1, "total": 3.0}]


def test_a_killed_rank_is_named_though_it_leaves_no_word(spark: SparkSession, tmp_path: Path) -> None:
    def work(folder: Path, report: Report) -> None:
        import os
        import signal

        import torch
        import torch.distributed as dist

        if dist.get_rank() == 1:
            os.kill(os.getpid(), signal.SIGKILL)
        dist.all_reduce(torch.ones(1))

    with pytest.raises(RankError, match=r"^rank 1 \(pid \d+ on .*\) was killed or out of reach: it left no traceback"):
        run_ranks(work, tmp_path, ranks=2, threads=1)


@pytest.mark.proof
def test_a_rank_that_stands_still_is_given_up_after_the_collective_time_out(
    spark: SparkSession, tmp_path: Path
) -> None:
    def work(folder: Path, report: Report) -> None:
        import time

        import torch
        import torch.distributed as dist

        if dist.get_rank() == 1:
            time.sleep(600)
        dist.all_reduce(torch.ones(1))

    with pytest.raises(
        RankError,
        match=(
            r"(?s)^rank 1 \(pid \d+ on .* let the other ranks wait.*stood at: .*sleep.*rank 0 then lost it: .*Timed out"
        ),
    ):
        run_ranks(work, tmp_path, ranks=2, threads=1, config=RanksConfig(collective_seconds=2))
