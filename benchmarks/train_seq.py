"""A Transformer trained on windows that Petastorm reads against the same steps from memory, and against RecTools.

    fuserank bench train-seq --lake DIR --json
    fuserank bench train-seq --lake DIR --data PYTHON --json   # of an environment with `rectools[torch]`: RecTools, too

"ratio": windows a second, read by Petastorm over held in memory; the default sasrec of one rank and one torch thread,
in turns. ``rectools``: the same windows as histories of RecTools' SASRecModel of the same numbers, layers, heads,
length and windows a step, its sampled softmax over NEGATIVES items of each place (ours: 512 that a step's places
share); seconds of its training epochs alone, of some of the windows.
``layouts``: seconds of Petastorm and of decoding for the same windows as a column for each place, as one padded value
of bytes a field, and as what samples.sequences holds.
"""

from __future__ import annotations

import datetime as dt
import json
import os
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import torch

import _shop
import _turns
from fuserank.config.settings import load
from fuserank.config.train import TrainConfig
from fuserank.history.baskets import baskets_back
from fuserank.io.batches import arrow, petastorm
from fuserank.io.batches.epoch_plan import ShardFile, open_url, read_manifest
from fuserank.io.runtime.run import open_run
from fuserank.jobs.inputs.ordered import known_items
from fuserank.jobs.inputs.pinned import slice_files
from fuserank.jobs.inputs.sequence_task import SequenceTask, source_of
from fuserank.jobs.inputs.sources import opened
from fuserank.learning.recommenders.baskets import BASKET_COLUMNS
from fuserank.learning.sequences.settings import SasRecConfig
from fuserank.learning.sequences.stored import COLUMNS
from fuserank.learning.sequences.training import Training
from fuserank.learning.sequences.windows import Windows
from fuserank.learning.training.group import Group
from fuserank.stages.candidates.windows import windows
from fuserank.tables.samples import SEQUENCES

AS_OF, SEED, TURNS = "2017-12-04", 20171204, 3
FILES = 4  # of the shards that the chain writes: a hundred steps or so
PEER_EPOCHS, PEER_WINDOWS = 2, 640
NEGATIVES = (512, 16)  # of RecTools: items of each place
_HERE = Path(__file__).resolve().parent


def run(lake: str = "lake", data: str | None = None) -> dict[str, Any]:
    """One JSON object. ``data``: the Python of an environment with RecTools; None: it is left out."""
    torch.set_num_threads(1)
    cfg = SasRecConfig(epochs=1)
    with tempfile.TemporaryDirectory(prefix="fuserank-train-seq-") as place:
        files, known = _windows(lake, cfg, Path(place))
        task = SequenceTask(files, known, cfg, TrainConfig(), SEED, "")
        source, training = source_of(task, 0, 1), Training(known, cfg, 10_000, Group.current())
        held = list(source.batches(0, source.random(0)))
        count = sum(len(batch.item_BL) for batch in held)
        seconds = _turns.medians(
            {
                "petastorm": lambda: _steps(training, source.batches(0, source.random(0))),
                "memory": lambda: _steps(training, held),
            },
            TURNS,
        )
        result = {
            "name": "train-seq",
            "ours": round(count / seconds["petastorm"], 1),
            "peer": round(count / seconds["memory"], 1),
            "unit": "windows/s of a default sasrec, by Petastorm and from memory",
            "ratio": round(seconds["memory"] / seconds["petastorm"], 3),
            "reach": ">= 0.9 of memory, >= 1.5 of RecTools",
            "layouts": _layouts(files, cfg.length, Path(place)),
            "settings": {
                "windows": count,
                "steps": len(held),
                "takings": sum(batch.steps for batch in held),
                "items": len(known.items),
                **cfg.model_dump(mode="json", include={"factors", "layers", "heads", "length", "places", "negatives"}),
                "threads": 1,
                "turns": TURNS,
                "cores": len(os.sched_getaffinity(0)),
                "load_average": round(os.getloadavg()[0], 1),
            },
            "versions": _shop.versions("torch", "petastorm", "pyarrow", "numpy"),
            "seed": SEED,
        }
        if data is not None:
            result["rectools"] = _rectools(data, files, cfg, result["ours"], Path(place))
    return result


def _windows(lake: str, cfg: SasRecConfig, place: Path) -> tuple[tuple[ShardFile, ...], Any]:
    """The windows of the lake's users as the chain writes them, copied, and what is known of items."""
    day = dt.date.fromisoformat(AS_OF)
    settings = load(
        "local", [f"lake={lake}", f"as_of={AS_OF}", "dataset=completejourney", "candidates.sources=[sasrec]"]
    )
    with open_run("candidates", settings, day) as run, opened(run, day, apart=True) as sources:
        history, _ = sources.folder.once("baskets", lambda: baskets_back(sources.taken, day), BASKET_COLUMNS)
        made = windows(history, cfg.length, SEED, settings.samples.shards, 2)
        sources.lake.replace(SEQUENCES, made, as_of_date=day, length=cfg.length)
        where = {"as_of_date": day, "length": cfg.length}
        files = slice_files(sources.lake, SEQUENCES, sources.lake.version(SEQUENCES), place / "copied", **where)
        urls = []
        for file in files[:FILES]:
            copy = place / f"{file.number:03d}.parquet"
            shutil.copy(open_url(file.url)[1], copy)
            urls.append(copy.as_uri())
        return read_manifest(urls), known_items(history, cfg, None)


def _steps(training: Training, batches: Iterable[Windows]) -> None:
    rng = np.random.default_rng(SEED)
    for batch in batches:
        training.step(batch, training.drawn.items(rng))


def _layouts(files: Sequence[ShardFile], length: int, place: Path) -> dict[str, Any]:
    """Seconds to read and decode all windows, by layout, and bytes on disk."""
    takings = length + 1
    made: dict[str, tuple[list[str], list[str], Callable[[Any], Any]]] = {
        "as samples.sequences": ([f.url for f in files], list(COLUMNS), _joined),
        "one padded value a field": ([], ["items", "gaps", "begins"], _joined),
        "a column a place": ([], [f"{n}_{k}" for n in ("items", "gaps") for k in range(takings)], _stacked),
    }
    for number, columns in enumerate(arrow.columns_of(files, COLUMNS)):
        padded = {
            name: np.stack(
                [
                    np.pad(np.frombuffer(v, kind), (takings - len(v) // np.dtype(kind).itemsize, 0))
                    for v in columns[name]
                ]
            )
            for name, kind in (("items", "<i4"), ("gaps", np.uint8), ("begins", np.uint8))
        }
        bytes_of = {name: pa.array([row.tobytes() for row in rows], pa.binary()) for name, rows in padded.items()}
        flat = {f"{n}_{k}": padded[n][:, k].astype(np.int32) for n in ("items", "gaps") for k in range(takings)}
        for name, table in (("one padded value a field", bytes_of), ("a column a place", flat)):
            path = place / f"{len(made[name][1])}-{number}.parquet"
            pq.write_table(pa.table(table), path)
            made[name][0].append(path.as_uri())
    found = {}
    for name, (urls, columns, decode) in made.items():
        manifest, seconds = read_manifest(urls), []
        for _ in range(TURNS + 1):
            started = time.perf_counter()
            for columns_read in petastorm.columns_of(manifest, columns):
                decode(columns_read)
            seconds.append(time.perf_counter() - started)
        size = sum(Path(url.removeprefix("file://")).stat().st_size for url in urls)
        found[name] = {"seconds": round(statistics.median(seconds[1:]), 3), "bytes": size}
    return found


def _joined(columns: Any) -> Any:
    kinds = {"items": "<i4", "gaps": np.uint8, "begins": np.uint8}
    return {name: np.frombuffer(b"".join(columns[name]), kind) for name, kind in kinds.items()}


def _stacked(columns: Any) -> Any:
    return np.stack(list(columns.values()), axis=1)


def _rectools(python: str, files: Sequence[ShardFile], cfg: SasRecConfig, ours: float, place: Path) -> dict[str, Any]:
    """Windows a second of RecTools' SASRecModel, in an environment of its own."""
    parts = [columns["items"] for columns in arrow.columns_of(files, COLUMNS)]
    histories = [np.frombuffer(value, "<i4") for part in parts for value in part][:PEER_WINDOWS]
    user = np.repeat(np.arange(len(histories)), [len(h) for h in histories])
    pq.write_table(pa.table({"user": user, "item": np.concatenate(histories)}), place / "histories.parquet")
    found: dict[str, Any] = {}
    for negatives in NEGATIVES:
        asked_of_peer = {
            "histories": str(place / "histories.parquet"),
            "factors": cfg.factors,
            "layers": cfg.layers,
            "heads": cfg.heads,
            "length": cfg.length,
            "batch": max(cfg.places // cfg.length, 1),
            "negatives": negatives,
            "epochs": PEER_EPOCHS,
            "seed": SEED,
        }
        done = subprocess.run(
            [python, str(_HERE / "_rectools_run.py"), json.dumps(asked_of_peer)],
            check=False,
            capture_output=True,
            text=True,
        )
        if done.returncode:
            raise SystemExit(f"RecTools ended with {done.returncode}:\n{done.stderr[-3000:]}")
        measured = json.loads(done.stdout.splitlines()[-1])
        found[f"{negatives} negatives a place"] = {**measured, "ratio": round(ours / measured["windows_a_second"], 2)}
    return found


if __name__ == "__main__":
    print(json.dumps(run(), indent=2))
