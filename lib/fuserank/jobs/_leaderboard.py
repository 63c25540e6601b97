"""The leaderboard: fit, propose and judge each model on one split; tuned on its validation part, the truth read once."""

from __future__ import annotations

import datetime as dt
import functools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.candidates import family
from fuserank.candidates.content import CONTENT_COLUMNS
from fuserank.candidates.interactions import PAIR_COLUMNS
from fuserank.candidates.learned import COLUMNS
from fuserank.common.errors import FuserankError
from fuserank.config.base import Section
from fuserank.config.fusion import FusionConfig
from fuserank.evaluation import leaderboard as board
from fuserank.evaluation import protocols, tracks
from fuserank.evaluation.leaderboard import FLOOR, Lists, Row
from fuserank.evaluation.protocols import Split
from fuserank.evaluation.tracks import NEVER, Events
from fuserank.fusion.fit import fit
from fuserank.fusion.fitted import Fitted
from fuserank.fusion.parts import parts_of, summed
from fuserank.history.events import was_taken, with_reversals
from fuserank.history.windows import label_window
from fuserank.io.executors import refuse_dynamic_allocation, slots
from fuserank.io.interactions import Scratch, read_lines, scratch
from fuserank.io.memory import peak_memory
from fuserank.jobs._content import content
from fuserank.jobs._history import reversals
from fuserank.jobs.silver import refuse_other_windows
from fuserank.registry.sources import Source, recommenders
from fuserank.tables.ops import LEADERBOARD
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY
from fuserank.tables.spark import schema

if TYPE_CHECKING:
    import numpy.typing as npt
    import pyarrow as pa
    from pyspark.sql import DataFrame

    from fuserank.io.rows import Rows
    from fuserank.io.run import Run

CHAIN_ONLY = {"quota"}  # of the settings of a recommender that has a section of its own in the chain
LAYOUTS = {"events": "temporal", "sequences": "leave-one-out", "pairs": "given-split"}
_DEPTH = 200  # items of each model that a fusion of several looks at, or as many as the longest list judged
_FUSION_USERS = 6000  # users of the validation part, at most, that a fusion is fitted on


@dataclass(frozen=True)
class Asked:
    """What the command line asks for."""

    data: str
    layout: str
    models: tuple[str, ...]
    ks: tuple[int, ...]
    tune: int = 0
    settings: dict[str, dict[str, Any]] = field(default_factory=dict)  # model → field → value
    track: str = "new"

    @property
    def named(self) -> str:
        """What the data is called: the last part of its path; of a cold track the track, too."""
        return f"{self.data} {self.track}" if self.track.startswith(("cold", "never")) else Path(self.data).name

    @property
    def repeats(self) -> bool:
        """Whether lists may hold what a user had taken before."""
        return self.track in tracks.REPEATS

    @property
    def protocol(self) -> str:
        return LAYOUTS[self.layout]

    @property
    def members(self) -> tuple[str, ...]:
        """Every recommender that is named, alone or in a fusion, once and in order."""
        return tuple(dict.fromkeys(name for model in self.models for name in model.split("+")))

    def configs(self) -> dict[str, Section]:
        """The settings of each; raises where a name, field or value is wrong."""
        for model in self.models:
            names = model.split("+")
            if len(set(names)) < len(names):
                raise FuserankError(f"{model} names a recommender twice")
        there = recommenders()
        if length := [name for name, given in self.settings.items() if CHAIN_ONLY & given.keys()]:
            raise FuserankError(f"{length[0]}.quota is of the chain's candidates; --k says how long lists are here")
        configs = {name: there[name].settings.model_validate(self.settings.get(name, {})) for name in self.members}
        lacking = [name for name in self.members if there[name].content and self.layout != "events"]
        if lacking:
            raise FuserankError(
                f"layout {self.layout} does not tell what items are, which {', '.join(lacking)} learns from"
            )
        if stray := sorted(self.settings.keys() - configs.keys()):
            raise FuserankError(f"settings for {', '.join(stray)}, which --models does not name")
        return configs


def splits(run: Run, asked: Asked) -> tuple[Split, Split]:
    """(what the rows are judged on, its validation)."""
    if asked.layout == "pairs":
        train, test = (read_lines(Path(asked.data) / f"{name}.txt") for name in ("train", "test"))
        users = protocols.dense(train["user"], test["user"])
        items = protocols.dense(train["item"], test["item"])
        return protocols.given_split((users[0], items[0]), (users[1], items[1]), run.seed)
    if asked.layout == "sequences":
        lines = read_lines(Path(asked.data))
        (user,), (item,) = protocols.dense(lines["user"]), protocols.dense(lines["item"])
        return protocols.leave_one_out(user, item, lines["position"].to_numpy())
    refuse_other_windows(run)
    days = run.settings.windows.label_days
    as_of = (run.as_of - dt.date(1970, 1, 1)).days
    return tracks.cut(_events(run, days), asked.track, as_of, days, run.seed)


def _events(run: Run, label_days: int) -> Events:
    """What was taken before the end of the window, by what was known then or before, and the items that the lake has numbered."""
    known = run.lake.known(EVENTS, label_window(run.as_of, label_days).end)
    rows = with_reversals(known.where(was_taken()), reversals(run.lake, known)).selectExpr(
        "user_index", "item_index", "cast(unix_date(event_date) as bigint) day", "unix_micros(event_time) time_us",
        f"coalesce(cast(unix_date(date(reversed_at)) as bigint), {NEVER}) back_day",
    )  # fmt: skip
    numbered = run.lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_index").toArrow()
    columns = rows.toArrow()
    user, item, day, time_us, back = (columns.column(c).to_numpy() for c in columns.column_names)
    return Events(user, item, day, time_us, back, np.sort(numbered.column(0).to_numpy()))


def judge(run: Run, asked: Asked, split: Split, validation: Split) -> Iterator[Row]:
    """One row for each of ``asked.models``, as it is done."""
    with scratch(run.lake) as folder:
        bench = _Bench(run, asked, folder, split, validation)
        for model in asked.models:
            with run.stage(model):
                yield bench.fusion(model) if "+" in model else bench.alone(model)


@dataclass(frozen=True)
class _Cost:
    fit_s: float
    predict_s: float
    peak_mb: float


class _Bench:
    """Fits on a split and keeps the lists, which fusions take up again."""

    def __init__(self, run: Run, asked: Asked, folder: Scratch, split: Split, validation: Split) -> None:
        self.run, self.asked, self.folder = run, asked, folder
        self.parts = {"test": split, "validation": validation}
        self.configs, self.tried = asked.configs(), dict.fromkeys(asked.members, 0)
        self.depth = max(*asked.ks, _DEPTH) if any("+" in model for model in asked.models) else max(asked.ks)
        self.done: dict[tuple[str, str, str], tuple[Lists, _Cost]] = {}

    def alone(self, name: str) -> Row:
        config = self._tuned(name)
        lists, cost = self._lists(name, config, "test")
        return self._row(name, config.model_dump(mode="json", exclude=CHAIN_ONLY), lists, cost, self.tried[name])

    def fusion(self, model: str) -> Row:
        """Weighted by calibrated probability, as the chain fuses; calibrators and weights from the validation part."""
        names = tuple(sorted(model.split("+")))
        configs = {name: self._tuned(name) for name in names}
        of_validation = {name: self._lists(name, configs[name], "validation")[0] for name in names}
        cfg = FusionConfig(top_n=max(self.asked.ks), min_weight=0.0, new_track_share=0.0)
        fitted = _fused_on(of_validation, self.parts["validation"], names, cfg, self.run.seed)
        of_test, costs = {}, []
        for name in names:
            of_test[name], cost = self._lists(name, configs[name], "test")
            costs.append(cost)
        with _clock() as clock, peak_memory() as peak:
            lists = _apply(fitted, of_test, cfg, max(self.asked.ks))
        total = _Cost(sum(c.fit_s for c in costs), sum(c.predict_s for c in costs) + clock(), max(peak.mb, *(c.peak_mb for c in costs)))  # fmt: skip
        weights = {name: round(weight, 6) for name, weight in fitted.weights.items()}
        return self._row(model, {"weights": weights}, lists, total, max(self.tried[name] for name in names))

    def _row(self, model: str, config: dict[str, Any], lists: Lists, cost: _Cost, trials: int) -> Row:
        names, value_UM = board.per_user(lists, self.parts["test"], self.asked.ks)
        draws = (self.run.settings.evaluation.resamples, self.run.seed)
        means, ci95 = board.means(names, value_UM, *draws)
        minus = {} if self.floor_UM is None or model == FLOOR else board.minus(names, value_UM, self.floor_UM, *draws)
        return Row(model, config, means, ci95, cost.fit_s, cost.predict_s, cost.peak_mb, trials, minus)

    @functools.cached_property
    def floor_UM(self) -> npt.NDArray[np.float64] | None:
        """What the floor is worth to each user, where it is among the models."""
        if FLOOR not in self.asked.members:
            return None
        lists, _ = self._lists(FLOOR, self._tuned(FLOOR), "test")
        return board.per_user(lists, self.parts["test"], self.asked.ks)[1]

    def _tuned(self, name: str) -> Section:
        """The settings that are best on the validation part; as given where nothing is to be tried."""
        if self.asked.tune == 0 or self.tried[name]:
            return self.configs[name]
        shown = f"ndcg@{max(self.asked.ks)}"
        search = board.Search(
            self.configs[name], set(self.asked.settings.get(name, {})), self.asked.tune, self.run.seed
        )
        for number, config in enumerate(search, 1):
            lists, cost = self._lists(name, config, "validation")
            names, value_UM = board.per_user(lists, self.parts["validation"], self.asked.ks)
            value = float(np.add.reduce(value_UM[:, names.index(shown)]) / len(value_UM))
            search.tell(config, value)
            seconds = cost.fit_s + cost.predict_s
            self.run.say(f"    {name} {number}/{search.count}: {shown} {value:.4f} in {seconds:.0f} s, {_told(config)}")
            self.configs[name] = search.best
            self._forget(name)
        self.tried[name] = len(search.found)
        return search.best

    def _forget(self, name: str) -> None:
        """Lists of settings that lost."""
        for key in [k for k in self.done if k[0] == name and k[1] != self.configs[name].model_dump_json()]:
            del self.done[key]

    def _lists(self, name: str, config: Section, part: str) -> tuple[Lists, _Cost]:
        key = (name, config.model_dump_json(), part)
        if key not in self.done:
            self.done[key] = self._run(recommenders()[name], config, part)
        return self.done[key]

    def _run(self, who: Source, config: Section, part: str) -> tuple[Lists, _Cost]:
        from pyspark.sql import functions as F

        split = self.parts[part]
        pairs, load_pairs = self._kept(f"{part}-train", split.train)
        history = pairs if split.history is split.train else self._kept(f"{part}-history", split.history)[0]
        asked = history.join(F.broadcast(self._judged_users(split)), "user_index", "left_semi")
        if who.distributed:  # its ranks start at once
            refuse_dynamic_allocation(self.run.spark, who.name)
        cores = max(slots(self.run.spark).total, 1)
        with peak_memory() as peak:
            with _clock() as clock:
                told = self._content(part) if who.content else None
                learned = family.fit(who, pairs, load_pairs, config, self.run.seed, cores, told)
                _, load = self.folder.keep(learned, f"{part}-learned-{who.name}", COLUMNS)
                fit_s = clock()
            with _clock() as clock:
                unseen = not self.asked.repeats
                rows = family.propose(who, asked, load, config, self.depth, cores, unseen, split.items).toArrow()
                predict_s = clock()
        rows = rows.sort_by([("user_index", "ascending"), ("rank", "ascending")])
        columns = (rows.column(c).to_numpy() for c in ("user_index", "item_index", "rank", "score"))
        return Lists(*columns), _Cost(fit_s, predict_s, peak.mb)

    def _kept(self, name: str, pairs: pa.Table) -> tuple[DataFrame, Callable[[], Any]]:
        """The pairs as a frame, and their loader on an executor; written once."""

        def typed() -> DataFrame:
            types = zip(PAIR_COLUMNS, ("int", "int", "float", "float"), strict=True)
            frame = self.run.spark.createDataFrame(pairs.to_pandas())
            return frame.selectExpr(*(f"cast({c} as {t}) {c}" for c, t in types))

        return self.folder.once(name, typed, PAIR_COLUMNS)

    def _content(self, part: str) -> Callable[[], Any] | None:
        """A loader of what the lake knew on the day of the split; None: the data is no lake."""
        if self.asked.layout != "events":
            return None
        back = self.run.settings.windows.label_days if part == "validation" else 0
        day = self.run.as_of - dt.timedelta(days=back)
        return self.folder.once(f"{part}-content", lambda: content(self.run.lake, day, unsold=True), CONTENT_COLUMNS)[1]

    def _judged_users(self, split: Split) -> DataFrame:
        import pandas as pd

        users = split.users.astype(np.int32)
        return self.run.spark.createDataFrame(pd.DataFrame({"user_index": users}))


def _side_by_side(lists: dict[str, Lists], names: Sequence[str]) -> dict[str, Any]:
    """user_index and item_index (N,) of all that any gave, sorted; score and rank of each, NaN where it did not."""
    span = max(int(one.item.max(initial=0)) for one in lists.values()) + 1
    key = {n: lists[n].user.astype(np.int64) * span + lists[n].item for n in names}
    every = np.unique(np.concatenate(list(key.values())))
    wide: dict[str, Any] = {
        "user_index": (every // span).astype(np.int32),
        "item_index": (every % span).astype(np.int32),
    }
    for name in names:
        at = np.searchsorted(every, key[name])
        for what in ("score", "rank"):
            column = np.full(len(every), np.nan)
            column[at] = getattr(lists[name], what)
            wide[f"{what}_{name}"] = column
    return wide


def _fused_on(lists: dict[str, Lists], split: Split, names: Sequence[str], cfg: FusionConfig, seed: int) -> Fitted:
    """The fusion fitted on a seeded draw of the split's users."""
    import pyarrow as pa

    drawn = np.sort(np.random.default_rng(seed).permutation(split.users)[:_FUSION_USERS])
    kept = {n: Lists(*(c[np.isin(one.user, drawn)] for c in (one.user, one.item, one.rank, one.score))) for n, one in lists.items()}  # fmt: skip
    wide = _side_by_side(kept, names)
    span = int(max(wide["item_index"].max(), split.truth_item_T.max())) + 1
    truth = split.truth_user_T.astype(np.int64) * span + split.truth_item_T
    wide["label"] = np.isin(wide["user_index"].astype(np.int64) * span + wide["item_index"], truth).astype(np.int8)
    wide["own"] = np.zeros(len(wide["label"]), np.int8)
    arrays = {k: pa.array(v, from_pandas=k.startswith(("score_", "rank_"))) for k, v in wide.items()}
    return fit(pa.table(arrays), tuple(names), cfg)[0]


def _apply(fitted: Fitted, lists: dict[str, Lists], cfg: FusionConfig, k: int) -> Lists:
    wide = _side_by_side(lists, fitted.sources)
    score_SN, rank_SN = (np.stack([wide[f"{what}_{s}"] for s in fitted.sources]) for what in ("score", "rank"))
    total_N = summed(parts_of(fitted, score_SN, rank_SN, cfg.rrf_k))
    user_N, item_N = wide["user_index"], wide["item_index"]
    order = np.lexsort((item_N, -total_N, user_N))
    user_N = user_N[order]
    rank_N = np.arange(len(user_N)) - np.searchsorted(user_N, user_N) + 1
    kept = rank_N <= k
    return Lists(user_N[kept], item_N[order][kept], rank_N[kept], total_N[order][kept].astype(np.float32))


def save(run: Run, asked: Asked, split: Split, rows: Sequence[Row]) -> None:
    """Appends the rows to ops.leaderboard."""
    users = len(split.users)
    told = [
        {"board": split.hash(), "data": asked.named, "protocol": asked.protocol, "model": row.model,
         "config_json": json.dumps(row.config, sort_keys=True), "metrics": row.metrics,
         "ci_low": {k: v[0] for k, v in row.ci95.items()}, "ci_high": {k: v[1] for k, v in row.ci95.items()},
         "users": users, "trials": row.trials, "fit_s": row.fit_s, "predict_s": row.predict_s, "peak_mb": row.peak_mb,
         "seed": run.seed, "judged_at": run.now, "run_id": run.run_id}
        for row in rows
    ]  # fmt: skip
    frame = run.spark.createDataFrame(
        [tuple(t[c] for c in LEADERBOARD.column_names) for t in told], schema(LEADERBOARD)
    )
    run.lake.append(LEADERBOARD, frame.coalesce(1))


def _told(config: Section) -> str:
    """What differs from the defaults."""
    default = type(config)().model_dump()
    differs = {k: v for k, v in config.model_dump().items() if v != default[k]}
    return ", ".join(f"{k}={v}" for k, v in differs.items()) or "as it is"


@contextmanager
def _clock() -> Iterator[Callable[[], float]]:
    started = time.monotonic()
    yield lambda: time.monotonic() - started


@dataclass(frozen=True)
class Board:
    """Rows that were judged on one split, by one set of metrics; of a model judged twice both stand."""

    board: str
    data: str
    protocol: str
    users: int
    rows: list[Row]

    def as_dict(self) -> dict[str, Any]:
        """The shape of --json."""
        return {"hash": self.board, "data": self.data, "protocol": self.protocol, "users": self.users,
                "rows": [row.as_dict() for row in self.rows]}  # fmt: skip


def _by_length(metric: str) -> tuple[int, int]:
    name, _, k = metric.partition("@")
    return int(k), board.METRICS.index(name)


def shown(reader: Rows, prefix: str | None) -> list[Board]:
    """What stands in ops.leaderboard, by split and the metrics that were taken."""
    if not reader.exists(LEADERBOARD):
        raise FuserankError(f"nothing was judged in {reader.root} yet; `fuserank leaderboard --help` says how")
    kept = reader.rows(LEADERBOARD, {}, order=("judged_at", "run_id", "model"))
    found: dict[tuple[str, tuple[str, ...]], Board] = {}
    for r in kept:
        if prefix and not r["board"].startswith(prefix):
            continue
        names = tuple(sorted(r["metrics"], key=_by_length))
        one = found.setdefault((r["board"], names), Board(r["board"], r["data"], r["protocol"], r["users"], []))
        intervals = {n: (r["ci_low"][n], r["ci_high"][n]) for n in names}
        one.rows.append(Row(r["model"], json.loads(r["config_json"]), {n: r["metrics"][n] for n in names}, intervals,
                            r["fit_s"], r["predict_s"], r["peak_mb"], r["trials"]))  # fmt: skip
    if not found:
        raise FuserankError(f"no split that begins with {prefix}; `fuserank leaderboard show` lists all")
    return list(found.values())
