"""The bench of the leaderboard: fits on a split and keeps what was learned and
listed, which fusions and tests take up again.
"""

from __future__ import annotations

import datetime as dt
import functools
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.config.auto import settled
from fuserank.config.base import Section
from fuserank.evaluation import leaderboard as board
from fuserank.evaluation.leaderboard import Lists, Row
from fuserank.evaluation.protocols import Split
from fuserank.io.lake.interactions import Scratch
from fuserank.io.runtime.executors import refuse_dynamic_allocation, slots
from fuserank.io.runtime.memory import peak_memory
from fuserank.jobs.inputs.content import content, links
from fuserank.learning.recommenders.baskets import BASKET_SCHEMA, CODE_SCHEMA
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, CONTENT_SCHEMA
from fuserank.learning.recommenders.interactions import PAIR_SCHEMA, numbers_of
from fuserank.learning.recommenders.state import COLUMNS
from fuserank.registry.sources import Source, recommenders
from fuserank.stages.candidates import family
from fuserank.tables.silver import SOCIAL
from fuserank.usecases.leaderboard_attributes import item_names, read, read_social, user_names
from fuserank.usecases.leaderboard_fusion import applied, fused_on, fusion_of
from fuserank.usecases.leaderboard_request import CHAIN_ONLY

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.io.runtime.run import Run
    from fuserank.usecases.leaderboard_request import Request

_DEPTH = 200  # items of each model that a fusion of several looks at, or as many as the longest list judged


@dataclass(frozen=True)
class _Cost:
    fit_s: float
    predict_s: float
    peak_mb: float


@dataclass(frozen=True)
class _Learned:
    """What a member learned with some settings, and the place of its rows, which is
    free again when they are forgotten.
    """

    load: Callable[[], Any]
    fit_s: float
    peak_mb: float
    place: int


class Bench:
    """Fits on a split and keeps the lists, which fusions take up again."""

    def __init__(self, run: Run, request: Request, folder: Scratch, split: Split, validation: Split) -> None:
        self.run, self.request, self.folder = run, request, folder
        self.parts = {"test": split, "validation": validation}
        self.numbers = numbers_of(split.train)
        self.configured = request.configs()
        self.configs = {name: settled(config, self.numbers) for name, config in self.configured.items()}
        self.tried = dict.fromkeys(request.members, 0)
        self.depth = max(*request.ks, _DEPTH) if any("+" in model for model in request.models) else max(request.ks)
        self.done: dict[tuple[str, str, str, bool], tuple[Lists, _Cost]] = {}
        self.learned: dict[tuple[str, str, str], _Learned] = {}

    @property
    def metric(self) -> str:
        """What settings are chosen by."""
        return f"ndcg@{max(self.request.ks)}"

    def warm(self) -> None:
        """Starts what the first row would have to wait for: a Python worker in each slot, the code
        that it runs, and the pairs in their place.
        """
        for part in self.parts:
            self._pairs(part)
        count = max(slots(self.run.spark).total, 1)
        rows = self.run.spark.range(0, count, 1, count)
        rows.mapInArrow(_loaded, "id long").count()

    def expected_s(self, model: str) -> float:
        """Seconds that a row takes, by what its members declare: a rough size, to leave out what is far too dear."""
        of = self.numbers
        users = len(self.parts["test"].users)
        sizes = (of.pairs, of.pairs * users, of.items**3)
        return sum(a * b for name in model.split("+") for a, b in zip(recommenders()[name].takes, sizes, strict=True))

    def alone(self, name: str) -> Row:
        """The row of one recommender, by its own settings or the best that were tried."""
        config = self._tuned(name)
        lists, cost = self._lists(name, config, "test")
        return self._row(name, config.model_dump(mode="json", exclude=CHAIN_ONLY), lists, cost, self.tried[name])

    def fusion(self, model: str) -> Row:
        """Weighted by calibrated probability, as the chain fuses; calibrators and weights from the validation part."""
        names = tuple(sorted(model.split("+")))
        configs = {name: self._tuned(name) for name in names}
        of_validation = {name: self._lists(name, configs[name], "validation")[0] for name in names}
        cfg = fusion_of(self.run.settings.fusion, self.request.ks)
        fitted = fused_on(of_validation, self.parts["validation"], names, cfg, self.run.seed)
        of_test, costs = {}, []
        for name in names:
            of_test[name], cost = self._lists(name, configs[name], "test")
            costs.append(cost)
        with _clock() as clock, peak_memory() as peak:
            # own items and others are cut apart: all that any gave
            longest = sum(len(one.user) for one in of_test.values()) if self.request.apart else max(self.request.ks)
            lists = applied(fitted, of_test, cfg, longest)
        total = _Cost(
            sum(c.fit_s for c in costs),
            sum(c.predict_s for c in costs) + clock(),
            max(peak.mb, *(c.peak_mb for c in costs)),
        )
        weights = {name: round(weight, 6) for name, weight in fitted.weights.items()}
        settings = {"method": cfg.method, "weights": weights}
        return self._row(model, settings, lists, total, max(self.tried[name] for name in names))

    def _row(self, model: str, config: dict[str, Any], lists: Lists, cost: _Cost, trials: int) -> Row:
        request, draws = self.request, (self.run.settings.evaluation.resamples, self.run.seed)
        means: dict[str, float] = {}
        ci95: dict[str, tuple[float, float]] = {}
        minus: dict[str, tuple[float, float, float]] = {}
        floors = [] if model == request.floor else self.floor
        for n, (names, value_UM) in enumerate(board.judged(lists, self.parts["test"], request.ks, request.apart)):
            of_part, intervals = board.means(names, value_UM, *draws)
            means, ci95 = {**means, **of_part}, {**ci95, **intervals}
            if floors:
                minus |= board.minus(names, value_UM, floors[n][1], *draws)
        order = sorted(means, key=board.place)
        means, ci95 = {n: means[n] for n in order}, {n: ci95[n] for n in order}
        minus = {n: minus[n] for n in order if n in minus}
        costs = (cost.fit_s, cost.predict_s, cost.peak_mb)
        return Row(model, config, means, ci95, *costs, trials, minus, request.floor)

    @functools.cached_property
    def floor(self) -> list[tuple[list[str], npt.NDArray[np.float64]]]:
        """What the floor is worth to each user, as ``board.judged`` has it, where it is among the models."""
        name = self.request.floor
        if name not in self.request.members:
            return []
        lists, _ = self._lists(name, self._tuned(name), "test")
        return board.judged(lists, self.parts["test"], self.request.ks, self.request.apart)

    def _tuned(self, name: str) -> Section:
        """The settings that are best on the validation part; as given where nothing is to be tried."""
        if self.request.tune == 0 or self.tried[name]:
            return self.configs[name]
        search = self.search(name, self.request.tune)
        for number, config in enumerate(search, 1):
            value, cost = self.validated(name, config)
            search.tell(config, value)
            seconds, differs = (
                cost.fit_s + cost.predict_s,
                _differences(config, settled(self.configured[name], self.numbers)),
            )
            self.run.say(f"    {name} {number}/{search.count}: {self.metric} {value:.4f} in {seconds:.0f} s, {differs}")
            self.configs[name] = search.best
            self.forget(name)
        self.tried[name] = len(search.found)
        return search.best

    def search(self, name: str, count: int) -> board.Search:
        """Settings to try of a member, those that it has first; what was given stays."""
        fixed = set(self.request.settings.get(name, {}))
        return board.Search(self.configs[name], fixed, count, self.run.seed, self.numbers)

    def validated(self, name: str, config: Section) -> tuple[float, _Cost]:
        """``metric`` of a member with some settings on the validation part, and what that cost."""
        lists, cost = self._lists(name, config, "validation", apart=False)
        names, value_UM = board.per_user(lists, self.parts["validation"], self.request.ks)
        return float(np.add.reduce(value_UM[:, names.index(self.metric)]) / len(value_UM)), cost

    def forget(self, name: str) -> None:
        """Lists and rows of settings that lost."""
        config = self.configs[name]
        current = (config.model_dump_json(), _fits(config))
        self.done = {k: v for k, v in self.done.items() if k[0] != name or k[1] in current}
        self.learned = {k: v for k, v in self.learned.items() if k[0] != name or k[1] in current}

    def _lists(self, name: str, config: Section, part: str, apart: bool = True) -> tuple[Lists, _Cost]:
        """``apart``: as long of own items and of others, each, where the request judges them apart."""
        apart = apart and self.request.apart
        key = (name, config.model_dump_json(), part, apart)
        if key not in self.done:
            self.done[key] = self._run(recommenders()[name], config, part, apart)
        return self.done[key]

    def _run(self, source: Source, config: Section, part: str, apart: bool) -> tuple[Lists, _Cost]:
        from pyspark.sql import functions as F

        split, learned = self.parts[part], self._fitted(source, config, part)
        request = self._history(source, part).join(F.broadcast(self._judged_users(split)), "user_index", "left_semi")
        cores = max(slots(self.run.spark).total, 1)
        unseen = not self.request.repeats
        ways = ((True, False), (False, True)) if apart else ((unseen, False),)
        parts = []
        with peak_memory() as peak, _clock() as clock:
            for leave_out, only in ways:
                how = (config, self.depth, cores, leave_out, split.items, only)
                parts.append(family.propose(source, request, learned.load, *how).toArrow())
            predict_s = clock()
        lists = board.merged(*(_as_lists(rows) for rows in parts))
        return lists, _Cost(learned.fit_s, predict_s, max(peak.mb, learned.peak_mb))

    def _history(self, source: Source, part: str) -> DataFrame:
        """What is known of users when lists are asked for, as the member reads it."""
        split = self.parts[part]
        if source.baskets:
            return self._baskets(f"{part}-history", split.history_baskets)[0]
        return (self._pairs(part) if split.history is split.train else self._written(f"{part}-history", split.history))[
            0
        ]

    def _fitted(self, source: Source, config: Section, part: str) -> _Learned:
        """What a member learns from the train part; once, where two parts learn from the
        same, and for settings that lists alone read.
        """
        key = (source.name, _fits(config), self._train(part))
        if key in self.learned:
            return self.learned[key]
        pairs, load_pairs = self._pairs(part)
        if source.distributed:  # its ranks start at once
            refuse_dynamic_allocation(self.run.spark, source.name)
        cores = max(slots(self.run.spark).total, 1)
        taken = {earlier.place for (name, *_), earlier in self.learned.items() if name == source.name}
        place = next(n for n in range(len(taken) + 1) if n not in taken)
        with peak_memory() as peak, _clock() as clock:
            content = self._content(part) if source.reads_content else None
            if content is None and source.reads_links(config):
                content = self._links(part)
            baskets = None
            if source.baskets:
                baskets = self._baskets(f"{self._train(part)}-train", self.parts[part].train_baskets)[1]
            learned = family.fit(source, pairs, load_pairs, config, self.run.seed, cores, content, baskets)
            _, load = self.folder.keep(learned, f"learned-{source.name}-{place}", COLUMNS)
            self.learned[key] = _Learned(load, clock(), peak.mb, place)
        return self.learned[key]

    def _train(self, part: str) -> str:
        """The part whose train pairs these are: of sequences both parts learn from the same."""
        return "test" if self.parts[part].train is self.parts["test"].train else part

    def _pairs(self, part: str) -> tuple[DataFrame, Callable[[], Any]]:
        return self._written(f"{self._train(part)}-train", self.parts[part].train)

    def _baskets(self, name: str, lines: Callable[[], pa.Table] | None) -> tuple[DataFrame, Callable[[], Any]]:
        if lines is None:
            raise FuserankError(f"layout {self.request.layout} does not tell in which order items were taken")
        codes = f", {CODE_SCHEMA}" if self.request.layout == "events" else ""
        return self._written(f"{name}-baskets", lines, BASKET_SCHEMA + codes)

    def _written(
        self, name: str, rows: pa.Table | Callable[[], pa.Table], schema: str = PAIR_SCHEMA
    ) -> tuple[DataFrame, Callable[[], Any]]:
        """The rows as a frame, and their loader on an executor; made and written once."""
        columns = [column.split()[0] for column in schema.split(", ")]

        def typed() -> DataFrame:
            table = rows() if callable(rows) else rows
            frame = self.run.spark.createDataFrame(table.select(columns).to_pandas())
            return frame.selectExpr(*(f"cast({c} as {t}) {c}" for c, t in map(str.split, schema.split(", "))))

        return self.folder.once(name, typed, columns)

    def _content(self, part: str) -> Callable[[], Any] | None:
        """A loader of what the lake knew on the day of the split, or of what --attributes say; None: neither."""
        if self.request.layout != "events":
            if self.request.attributes is None:
                return None
            return self.folder.once("attributes", self._attributes, CONTENT_COLUMNS)[1]
        made = functools.partial(content, self.run.lake, self._day(part), unsold=True)
        return self.folder.once(f"{part}-content", made, CONTENT_COLUMNS)[1]

    def _links(self, part: str) -> Callable[[], Any] | None:
        """The same of links between users alone, or of --social."""
        if self.request.layout != "events":
            if self.request.social is None:
                return None
            return self.folder.once("links", self._social, CONTENT_COLUMNS)[1]
        if not self.run.lake.exists(SOCIAL):
            return None
        return self.folder.once(f"{part}-links", lambda: links(self.run.lake, self._day(part), True), CONTENT_COLUMNS)[
            1
        ]

    def _day(self, part: str) -> dt.date:
        back = self.run.settings.windows.label_days if part == "validation" else 0
        return self.run.as_of - dt.timedelta(days=back)

    def _social(self) -> DataFrame:
        found = read_social(Path(str(self.request.social)), user_names(self.request))
        return self.run.spark.createDataFrame(found, CONTENT_SCHEMA)

    def _attributes(self) -> DataFrame:
        found = read(Path(str(self.request.attributes)), item_names(self.request))
        return self.run.spark.createDataFrame(found, CONTENT_SCHEMA)

    def _judged_users(self, split: Split) -> DataFrame:
        import pandas as pd

        users = split.users.astype(np.int32)
        return self.run.spark.createDataFrame(pd.DataFrame({"user_index": users}))


def _as_lists(rows: pa.Table) -> Lists:
    rows = rows.sort_by([("user_index", "ascending"), ("rank", "ascending")])
    return Lists(*(rows.column(c).to_numpy() for c in ("user_index", "item_index", "rank", "score")))


def _fits(config: Section) -> str:
    """The settings that a fit reads."""
    return "fit " + config.model_dump_json(exclude=board.of_lists(type(config)))


def _loaded(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    import scipy.sparse  # noqa: F401 - what every member loads

    yield from batches


def _differences(config: Section, default: Section) -> str:
    """What differs from the settings before the search."""
    before = default.model_dump()
    differs = {k: v for k, v in config.model_dump().items() if v != before[k]}
    return ", ".join(f"{k}={v}" for k, v in differs.items()) or "as it is"


@contextmanager
def _clock() -> Iterator[Callable[[], float]]:
    started = time.monotonic()
    yield lambda: time.monotonic() - started
