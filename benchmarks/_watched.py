"""What a process tree and its Spark tasks used, by stretches of wall-clock time."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fuserank.io.runtime.memory import tree_mb

SAMPLE_SECONDS = 1.0
_MB = 1 << 20


@dataclass
class Used:
    """Of one job: summed seconds, the highest memory, summed bytes, the largest result
    that one Spark stage sent to the driver.
    """

    seconds: float = 0.0
    memory_mb: float = 0.0
    shuffle_mb: float = 0.0
    spilled_mb: float = 0.0
    driver_result_mb: float = 0.0

    def rounded(self) -> dict[str, float]:
        return {k: round(v, 1) for k, v in vars(self).items()}


@dataclass
class Watched:
    """PSS of a process and all below it, summed (shared pages count once), with the time of each sample."""

    samples: list[tuple[float, float]] = field(default_factory=list)  # seconds since the epoch, MB

    def run(self, command: list[str], environment: dict[str, str], log: Path) -> None:
        """Run to the end and sample; raises with the log's last lines where it fails."""
        with log.open("wb") as out:
            process = subprocess.Popen(command, env={**os.environ, **environment}, stdout=out, stderr=out)
            while process.poll() is None:
                self.samples.append((time.time(), tree_mb(process.pid)))
                time.sleep(SAMPLE_SECONDS)
        if process.returncode:
            lines = log.read_text(encoding="utf-8", errors="replace").splitlines()
            tail = "\n".join([line[:300] for line in lines if not line.lstrip().startswith(("at ", "... "))][-30:])
            raise SystemExit(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")

    def peak(self, begun: float, ended: float) -> float:
        return max((mb for at, mb in self.samples if begun <= at <= ended), default=0.0)


def by_job(steps: list[dict[str, Any]], watched: Watched, event_log: Path) -> dict[str, Used]:
    """Steps run one after the other, so what a Spark task did belongs to the step in which it ended."""
    found: dict[str, Used] = defaultdict(Used)
    for step in steps:
        used = found[step["job"]]
        used.seconds += step["ended"] - step["begun"]
        used.memory_mb = max(used.memory_mb, watched.peak(step["begun"], step["ended"]))
    results: dict[tuple[str, int], int] = defaultdict(int)
    for ended, stage, metrics in _tasks(event_log):
        job = next((s["job"] for s in steps if s["begun"] <= ended <= s["ended"]), None)
        if job is None:
            continue
        found[job].shuffle_mb += metrics["Shuffle Write Metrics"]["Shuffle Bytes Written"] / _MB
        found[job].spilled_mb += metrics["Disk Bytes Spilled"] / _MB
        results[job, stage] += metrics["Result Size"]
    for (job, _), size in results.items():
        found[job].driver_result_mb = max(found[job].driver_result_mb, size / _MB)
    return dict(found)


def _tasks(event_log: Path) -> list[tuple[float, int, dict[str, Any]]]:
    """When each task ended (seconds since the epoch), its Spark stage, its metrics."""
    found = []
    with event_log.open(encoding="utf-8") as lines:
        for line in lines:
            if line.startswith('{"Event":"SparkListenerTaskEnd"'):
                event = json.loads(line)
                if event.get("Task Metrics"):
                    found.append((event["Task Info"]["Finish Time"] / 1000, event["Stage ID"], event["Task Metrics"]))
    return found
