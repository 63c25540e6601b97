"""Distributed training on two workers: a rank that dies, one that stands still, one
that raises; and what the rerun makes of it.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest

from tests.cluster.conftest import ON_EXECUTORS, Shop, last_line, say, submitted
from tests.support.cluster import ROOT, Cluster

pytestmark = pytest.mark.cluster
LONG = (
    ON_EXECUTORS,
    "train.batch=16",
    "train.epochs=2",
    "train.patience=2",
    "train.checkpoint_steps=10",
    "ranks.collective_seconds=30",
)


def artifact(shop: Shop, lake: str) -> str:
    """The SHA-256 of the registered model: its weights and its card."""
    found = list((shop.lake(lake) / "models" / "artifacts").glob("*/provenance.json"))
    newest = max(found, key=lambda p: p.stat().st_mtime_ns)
    sha256: str = json.loads(newest.read_text(encoding="utf-8"))["sha256"]
    return sha256


@contextmanager
def training(cluster: Cluster, shop: Shop, lake: str, *settings: str) -> Iterator[subprocess.Popen[str]]:
    """jobs/train.py while it runs, after a checkpoint in the middle of an epoch."""
    process = subprocess.Popen(
        cluster.command(shop.job("train", lake, *settings)),
        env=cluster.environment(shop.env),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        await_checkpoint(shop.lake(lake), process)
        yield process
    finally:
        process.kill()
        process.communicate()


def await_checkpoint(lake: Path, process: subprocess.Popen[str]) -> None:
    until = time.monotonic() + 400
    while time.monotonic() < until and process.poll() is None:
        for state in lake.glob("models/checkpoints/*/checkpoint.json"):
            try:
                if json.loads(state.read_text(encoding="utf-8"))["position"]["step"] > 0:
                    return
            except (OSError, json.JSONDecodeError):
                pass  # it is just being replaced
        time.sleep(0.01)
    raise AssertionError(
        f"no checkpoint: {process.communicate()[0][-4000:] if process.poll() is not None else 'hangs'}"
    )


def rank_pids(lake: Path) -> list[int]:
    marks = sorted(lake.glob("models/ranks/*/rank-*.started"))
    return [int(json.loads(m.read_text(encoding="utf-8"))["pid"]) for m in marks]


@pytest.fixture(scope="module")
def straight(cluster: Cluster, shop: Shop, on_cluster: str) -> str:
    """The model artifact of a run without interruption."""
    lake = shop.copy(on_cluster, "straight")
    done = submitted(cluster, shop, shop.job("train", lake, *LONG))
    assert done.returncode == 0, done.stdout[-4000:]
    return artifact(shop, lake)


def test_a_killed_rank_fails_the_job_by_name_and_the_rerun_resumes_to_the_bit(
    cluster: Cluster, shop: Shop, on_cluster: str, straight: str
) -> None:
    lake = shop.copy(on_cluster, "killed")
    with training(cluster, shop, lake, *LONG) as process:
        pids = rank_pids(shop.lake(lake))
        hosts = [{p.pid for p in psutil.Process(pid).parents()} & {w.pid for w in cluster.workers} for pid in pids]
        assert len(pids) == 2
        assert all(hosts)
        assert hosts[0] != hosts[1]  # each on a worker of its own
        os.kill(pids[1], signal.SIGKILL)
        started = time.monotonic()
        output, _ = process.communicate(timeout=60)
        seconds = time.monotonic() - started
    message = last_line(output)
    say(f"rank 1 killed by SIGKILL: exit code {process.returncode} after {seconds:.1f} s: {message}")
    assert process.returncode == 2
    assert f"rank 1 (pid {pids[1]} on " in message
    assert "was killed" in message
    assert seconds < 30
    position = json.loads(next(shop.lake(lake).glob("models/checkpoints/*/checkpoint.json")).read_text())["position"]
    say(f"its checkpoint: epoch {position['epoch'] + 1}, step {position['step']}, {position['total_steps']} in all")
    assert position["step"] > 0  # in the middle of an epoch
    again = submitted(cluster, shop, shop.job("train", lake, *LONG))
    assert again.returncode == 0, again.stdout[-4000:]
    assert f"resumed from the checkpoint after step {position['total_steps']}," in again.stdout
    say(f"artifact {artifact(shop, lake)[:16]}… after the resume, {straight[:16]}… of the run that was not killed")
    assert artifact(shop, lake) == straight
    assert not any(psutil.pid_exists(pid) for pid in pids)


def test_a_rank_that_stands_still_fails_the_job_within_the_collective_time_out(
    cluster: Cluster, shop: Shop, on_cluster: str
) -> None:
    lake = shop.copy(on_cluster, "stopped")
    with training(cluster, shop, lake, *LONG, "ranks.collective_seconds=8") as process:
        pids = rank_pids(shop.lake(lake))
        os.kill(pids[1], signal.SIGSTOP)
        started = time.monotonic()
        try:
            output, _ = process.communicate(timeout=90)
        finally:
            seconds = time.monotonic() - started
            for pid in filter(psutil.pid_exists, pids):
                os.kill(pid, signal.SIGKILL)
    message = last_line(output)
    say(f"rank 1 held by SIGSTOP, time-out 8 s: exit code {process.returncode} after {seconds:.1f} s: {message}")
    assert process.returncode == 2
    assert f"rank 1 (pid {pids[1]} on " in message
    assert seconds < 8 + 15


def test_the_traceback_of_a_rank_on_an_executor_reaches_the_driver(
    cluster: Cluster, shop: Shop, on_cluster: str
) -> None:
    lake = shop.copy(on_cluster, "diverged")
    done = submitted(cluster, shop, shop.job("train", lake, *LONG, "train.learning_rate=1e38"))
    message = last_line(done.stdout)
    say(message)
    assert done.returncode == 2
    assert "TrainingDiverged: the loss is" in message
    assert message.startswith("fuserank: rank ")
    assert "Traceback (most recent call last)" in done.stdout.split(message)[1]
    assert not list((shop.lake(lake) / "models" / "ranks").glob("*"))
