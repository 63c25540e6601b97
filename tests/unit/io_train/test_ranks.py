"""Ranks started by TorchDistributor: they talk to each other, and what they say reaches the driver."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.io.ranks import RankError, Report, run_ranks

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def test_ranks_form_a_group_and_their_progress_reaches_the_driver(spark: SparkSession, tmp_path: Path) -> None:
    def work(folder: Path, report: Report) -> None:
        import torch
        import torch.distributed as dist

        total = torch.ones(1) * (dist.get_rank() + 1)
        dist.all_reduce(total)
        (folder / f"seen-{dist.get_rank()}").write_text(f"{total.item():g} {torch.get_num_threads()}")
        report({"step": 1, "total": total.item()})

    heard: list[dict[str, Any]] = []
    run_ranks(work, tmp_path, ranks=2, threads=1, on_progress=heard.append)
    assert {p.read_text() for p in tmp_path.glob("seen-*")} == {"3 1"}
    assert heard == [{"step": 1, "total": 3.0}]


def test_the_traceback_of_the_rank_that_died_reaches_the_driver(spark: SparkSession, tmp_path: Path) -> None:
    def work(folder: Path, report: Report) -> None:
        import torch
        import torch.distributed as dist

        if dist.get_rank() == 1:
            raise ZeroDivisionError("planted in rank 1")
        dist.all_reduce(torch.ones(1))

    with pytest.raises(RankError, match=r"(?s)rank 1 failed: ZeroDivisionError: planted in rank 1\nTraceback.*in work"):
        run_ranks(work, tmp_path, ranks=2, threads=1)
