"""The leaderboard: what is asked, the splits, a row for each model, and where the rows are kept."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from fuserank.common.errors import FuserankError
from fuserank.config.auto import chosen
from fuserank.config.base import Section
from fuserank.evaluation import protocols, tracks
from fuserank.evaluation.leaderboard import Row
from fuserank.evaluation.protocols import Split
from fuserank.evaluation.tracks import NEVER, Events
from fuserank.history.events import was_taken, with_reversals
from fuserank.history.windows import label_window
from fuserank.io.interactions import read_lines, scratch
from fuserank.jobs._history import reversals
from fuserank.jobs._leaderboard_bench import CHAIN_ONLY, Bench
from fuserank.jobs.silver import refuse_other_windows
from fuserank.registry.sources import Source, recommenders
from fuserank.tables.ops import LEADERBOARD
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY
from fuserank.tables.spark import schema

if TYPE_CHECKING:
    from fuserank.io.run import Run

LAYOUTS = {"events": "temporal", "sequences": "leave-one-out", "pairs": "given-split"}
MINUTES = 10.0  # for the set that runs where no models are named
_LOOKED = 8  # settings of a member, at most, that are tried to say what tuning would add


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
    minutes: float | None = None  # no model is begun later than that; None: all are

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
        """The settings of each; raises FuserankError where a name, field or value is wrong."""
        for model in self.models:
            names = model.split("+")
            if len(set(names)) < len(names):
                raise FuserankError(f"{model} names a recommender twice")
        there = recommenders()
        if length := [name for name, given in self.settings.items() if CHAIN_ONLY & given.keys()]:
            raise FuserankError(f"{length[0]}.quota is of the chain's candidates; --k says how long lists are here")
        configs = {name: _checked(there[name], self.settings.get(name, {})) for name in self.members}
        lacking = [name for name in self.members if there[name].content and self.layout != "events"]
        if lacking:
            raise FuserankError(
                f"layout {self.layout} does not tell what items are, which {', '.join(lacking)} learns from"
            )
        if stray := sorted(self.settings.keys() - configs.keys()):
            raise FuserankError(f"settings for {', '.join(stray)}, which --models does not name")
        return configs


def _checked(who: Source, given: dict[str, Any]) -> Section:
    """The settings of a member; raises FuserankError that names it and the field, and the fields that there are."""
    try:
        return who.settings.model_validate(given)
    except ValidationError as problem:
        there = ", ".join(name for name in who.settings.model_fields if name not in CHAIN_ONLY)
        wrong = [
            f"{who.name}.{'.'.join(map(str, e['loc']))}: "
            + ("there is no such setting" if e["type"] == "extra_forbidden" else e["msg"])
            for e in problem.errors()
        ]
        raise FuserankError(f"{'; '.join(wrong)}; {who.name} has: {there}") from None


def refuse_missing(asked: Asked) -> None:
    """Raises FuserankError where a file of the data is not there."""
    path = Path(asked.data)
    files = {"pairs": [path / "train.txt", path / "test.txt"], "sequences": [path]}.get(asked.layout, [])
    for file in files:
        if not file.is_file():
            kind = "a folder with train.txt and test.txt" if asked.layout == "pairs" else "one file of lines"
            raise FuserankError(
                f"there is no file {file}; --data of layout {asked.layout} is {kind} `user item item …`"
            )


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


@dataclass
class Told:
    """What a leaderboard says beside its rows. ``left_out``: models that there was no time for; ``tuning``: by member what a few settings more
    gave on the validation part: default and best value, how many were tried, and the best settings.
    """

    left_out: list[str] = field(default_factory=list)
    tuning: dict[str, dict[str, Any]] = field(default_factory=dict)


def judge(run: Run, asked: Asked, split: Split, validation: Split, told: Told | None = None) -> Iterator[Row]:
    """One row for each of ``asked.models``, as it is done; where ``asked.minutes`` bounds them, what time is left goes to a look at tuning."""
    told = Told() if told is None else told
    with scratch(run.lake) as folder:
        with run.stage("start"):
            bench = Bench(run, asked, folder, split, validation)
            bench.warm()
        for name, given in bench.given.items():
            if auto := chosen(given, bench.configs[name]):
                run.say(f"    {name} by the data ({bench.numbers}): {auto}")
        until = None if asked.minutes is None else time.monotonic() + 60 * asked.minutes
        quick_first = asked.models if until is None else sorted(asked.models, key=bench.expected_s)
        for model in quick_first:
            if until is not None and bench.expected_s(model) > until - time.monotonic():
                told.left_out.append(model)
                continue
            with run.stage(model):
                yield bench.fusion(model) if "+" in model else bench.alone(model)
        if until is not None and asked.tune == 0:
            with run.stage("tuning"):
                _look(bench, [m for m in quick_first if "+" not in m and m not in told.left_out], until, told)


def _look(bench: Bench, names: Sequence[str], until: float, told: Told) -> None:
    """A few settings of each member on the validation part, in turns, until the time is up. The truth is not looked at."""
    searches = {name: bench.search(name, _LOOKED) for name in names}
    steps = {name: iter(search) for name, search in searches.items() if search.space}
    longest: dict[str, float] = dict.fromkeys(steps, 0.0)
    default: dict[str, float] = {}
    while steps:
        for name in list(steps):
            if time.monotonic() + longest[name] > until or (config := next(steps[name], None)) is None:
                del steps[name]
                continue
            began = time.monotonic()
            value, _ = bench.validated(name, config)
            longest[name] = max(longest[name], time.monotonic() - began)
            searches[name].tell(config, value)
            default.setdefault(name, value)
            bench.forget(name)
    for name, first in default.items():
        search = searches[name]
        differs = {k: v for k, v in search.best.model_dump(mode="json").items() if v != getattr(bench.configs[name], k)}
        told.tuning[name] = {"metric": bench.shown, "default": first, "best": search.value,
                             "trials": len(search.found), "differs": differs}  # fmt: skip


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
