"""A sequence model's step for a snapshot: its encoder as ONNX, made here, and the items' vectors, written by a task."""

from __future__ import annotations

import datetime as dt
import functools
import importlib.util
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.history.baskets import usual_prices
from fuserank.history.events import taken
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.parts import store_files, store_frames
from fuserank.jobs.parts.store_tasks import FILES
from fuserank.learning.sequences.settings import SequenceConfig
from fuserank.registry.sources import SOURCES
from fuserank.serving.recommend import step as service
from fuserank.serving.store import snapshot
from fuserank.serving.store.records import File, Step
from fuserank.tables.candidates import LEARNED
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    import numpy.typing as npt
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run
    from fuserank.learning.sequences.step import Graph

_PACKAGES = ("torch", "onnx", "onnxscript", "onnxruntime")
_LIMIT = 1e-4  # of a number of what comes next, by onnxruntime and by torch
_TRIED = 5  # items that both are tried with


def member_of(run: Run, sources: Iterable[str]) -> str | None:
    """Whose step a snapshot has: of the sources with a part in the ranking the first, as candidates.sources has them,
    that learns from the order of what was taken; None: there is none, or store.step is none.
    """
    if run.settings.store.step == "none":
        return None
    order = {name: place for place, name in enumerate(run.settings.candidates.sources)}
    models = [name for name in sources if name in SOURCES and issubclass(SOURCES[name].settings, SequenceConfig)]
    return min(models, key=lambda name: (order.get(name, len(order)), name), default=None)


def step(run: Run, folder: Path, day: dt.date, source: str | None) -> Step | None:
    """The step of a member as of a day, its files in the folder. None where no member is named, and where it can't be
    made, which is said.
    """
    if source is None:
        return None
    lacking = [name for name in _PACKAGES if importlib.util.find_spec(name) is None]
    if lacking:
        made: Step | str = f"{', '.join(lacking)} not installed here, of fuserank's extras train and onnx"
    else:
        made = _made(run, folder, day, source)
    if isinstance(made, str):
        run.say(f"step of {source} as of {day}: none; {made}")
        return None
    size = (made.model.bytes + made.items.bytes) / 1e6
    run.say(f"step of {source} as of {day}: {made.items.records:,} items, {size:,.1f} MB")
    return made


def _made(run: Run, folder: Path, day: dt.date, source: str) -> Step | str:
    """The step, or why there is none."""
    cfg = run.settings.candidates.member(source).settings
    assert isinstance(cfg, SequenceConfig), source
    learned = store_frames.slice_of(run.lake, LEARNED, day).where(f"source = '{source}'")
    net = learned.where("part = 'net'").select("index", "vector").orderBy("index").toArrow()
    if not len(net):
        return "nothing was learned as of that day"
    net_N = net.column("vector").combine_chunks().flatten().to_numpy()
    from fuserank.learning.sequences.step import graph

    try:
        made = graph(cfg, net_N)
    except FuserankError as problem:  # the settings of today, the numbers of a publication that came back
        return str(problem)
    if not (off := _difference(made, cfg, net_N)) <= _LIMIT:
        return f"onnxruntime and torch differ by {off:.1e} in what comes next"
    write = functools.partial(store_files.steps, str(folder), cfg.temperature)
    rows = learned.where("part = 'item'").select("index", "value", "vector")
    if "price" in cfg.reads:
        rows = rows.join(_prices(run, day), "index", "left")
    (items,) = store_files.files(rows.coalesce(1).mapInArrow(write, FILES).collect())
    path = folder / snapshot.STEP
    snapshot.write_bytes(path, made.content, read_only=True)
    model = File(path.name, len(made.content), snapshot.sha256_of(path), len(net_N))
    return Step(source, model, items, cfg.length, made.at_once)


def _prices(run: Run, day: dt.date) -> DataFrame:
    """index, price: what a unit of each item cost, as a model of sequences that learned as of the day was told."""
    from pyspark.sql import functions as F

    events = run.lake.known(EVENTS, day)
    found = usual_prices(taken(events, reversals(run.lake, events)))
    return found.select(F.col("item_index").alias("index"), F.col("usual_price").cast("float").alias("price"))


def _difference(made: Graph, cfg: SequenceConfig, net_N: npt.NDArray[np.float32]) -> float:
    """The largest between a number of what comes next as the service has it, and as torch has, of items at random."""
    from fuserank.learning.sequences.step import ahead

    e_LD = np.random.default_rng(0).standard_normal((min(_TRIED, cfg.length), cfg.factors)).astype(np.float32)
    e_LD /= np.sqrt((e_LD**2).sum(1, keepdims=True))
    nothing, path = File("", 0, "", 0), service.Path(range(len(e_LD)), [0] * len(e_LD))
    of = Step("", nothing, nothing, cfg.length, made.at_once)
    beside = 1 + ("price" in cfg.reads)
    found = service.Step(of, made.content, np.pad(e_LD, ((0, 0), (0, beside)))).ahead(path)
    codes = [np.full(len(e_LD), made.at_once), *(np.zeros(len(e_LD), np.int64) for _ in cfg.reads)]
    q_D = ahead(cfg, net_N, e_LD, *codes)
    return float(np.abs(found[:-1] - q_D / np.sqrt(q_D @ q_D)).max())
