"""The leaderboard: the splits, a row for each model, and where the rows are kept."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.config.auto import chosen
from fuserank.evaluation import protocols, tracks
from fuserank.evaluation.leaderboard import Row
from fuserank.evaluation.protocols import Split
from fuserank.evaluation.tracks import NEVER, Events
from fuserank.history.baskets import EVENT_CODES, basket_key
from fuserank.history.events import was_taken, with_reversals
from fuserank.history.windows import label_window
from fuserank.io.lake.interactions import read_lines, scratch
from fuserank.jobs.inputs.history import reversals
from fuserank.jobs.inputs.silver_files import refuse_other_windows
from fuserank.tables.ops import LEADERBOARD
from fuserank.tables.silver import EVENTS, ITEM_DICTIONARY
from fuserank.tables.spark import frame_of_rows
from fuserank.usecases.leaderboard_bench import Bench
from fuserank.usecases.leaderboard_request import Request

if TYPE_CHECKING:
    from fuserank.io.runtime.run import Run

MINUTES = 10.0  # for the set that runs where no models are named
_LOOKED = 8  # settings of a member, at most, that are tried to say what tuning would add


def splits(run: Run, request: Request) -> tuple[Split, Split]:
    """(what the rows are judged on, its validation)."""
    if request.layout == "pairs":
        train, test = (read_lines(Path(request.data) / f"{name}.txt") for name in ("train", "test"))
        users = protocols.dense(train["user"], test["user"])
        items = protocols.dense(train["item"], test["item"])
        return protocols.predefined_split((users[0], items[0]), (users[1], items[1]), run.seed)
    if request.layout == "sequences":
        lines = read_lines(Path(request.data))
        (user,), (item,) = protocols.dense(lines["user"]), protocols.dense(lines["item"])
        return protocols.leave_one_out(user, item, lines["position"].to_numpy())
    refuse_other_windows(run)
    days = run.settings.windows.label_days
    as_of = (run.as_of - dt.date(1970, 1, 1)).days
    return tracks.cut(_events(run, days), request.track, as_of, days, run.seed)


def _events(run: Run, label_days: int) -> Events:
    """What was taken before the end of the window, by what was known then or before,
    and the items that the lake has numbered.
    """
    known = run.lake.known(EVENTS, label_window(run.as_of, label_days).end)
    taken = with_reversals(known.where(was_taken()), reversals(run.lake, known)).withColumn("basket", basket_key())
    rows = taken.selectExpr(
        "user_index",
        "item_index",
        "cast(unix_date(event_date) as bigint) day",
        "unix_micros(event_time) time_us",
        f"coalesce(cast(unix_date(date(reversed_at)) as bigint), {NEVER}) back_day",
        "basket",
        *EVENT_CODES,
    )
    numbered = run.lake.read(ITEM_DICTIONARY).where("deleted_at is null").select("item_index").toArrow()
    columns = rows.toArrow()
    more = {name: columns.column(name).to_numpy() for name in columns.column_names[-len(EVENT_CODES) :]}
    user, item, day, time_us, back, basket = (
        columns.column(c).to_numpy() for c in columns.column_names[: -len(EVENT_CODES)]
    )
    return Events(user, item, day, time_us, back, basket, np.sort(numbered.column(0).to_numpy()), more)


@dataclass
class Outcome:
    """What a leaderboard says beside its rows.

    ``left_out``: models that there was no time for. ``tuning``: for each member, what a few more settings gave on the
    validation part: the value of the defaults, the best value, how many were tried, and the best settings.
    """

    left_out: list[str] = field(default_factory=list)
    tuning: dict[str, dict[str, Any]] = field(default_factory=dict)


def judge(run: Run, request: Request, split: Split, validation: Split, outcome: Outcome | None = None) -> Iterator[Row]:
    """One row for each of ``request.models``, as it is done; where ``request.minutes`` bounds them,
    what time is left goes to a look at tuning.
    """
    outcome = Outcome() if outcome is None else outcome
    with scratch(run.lake) as folder:
        with run.stage("start"):
            bench = Bench(run, request, folder, split, validation)
            bench.warm()
        for name, config in bench.configured.items():
            if auto := chosen(config, bench.configs[name]):
                run.say(f"    {name} by the data ({bench.numbers}): {auto}")
        until = None if request.minutes is None else time.monotonic() + 60 * request.minutes
        quick_first = request.models if until is None else sorted(request.models, key=bench.expected_s)
        for model in quick_first:
            if until is not None and bench.expected_s(model) > until - time.monotonic():
                outcome.left_out.append(model)
                continue
            with run.stage(model):
                yield bench.fusion(model) if "+" in model else bench.alone(model)
        if until is not None and request.tune == 0:
            with run.stage("tuning"):
                _look(bench, [m for m in quick_first if "+" not in m and m not in outcome.left_out], until, outcome)


def _look(bench: Bench, names: Sequence[str], until: float, outcome: Outcome) -> None:
    """A few settings of each member on the validation part, in turns, until the
    time is up. The truth is not looked at.
    """
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
        outcome.tuning[name] = {
            "metric": bench.metric,
            "default": first,
            "best": search.value,
            "trials": len(search.found),
            "differs": differs,
        }


def save(run: Run, request: Request, split: Split, rows: Sequence[Row]) -> None:
    """Appends the rows to ops.leaderboard."""
    users = len(split.users)
    records = [
        {
            "board": split.hash(),
            "data": request.named,
            "protocol": request.protocol,
            "model": row.model,
            "config_json": json.dumps(row.config, sort_keys=True),
            "metrics": row.metrics,
            "ci_low": {k: v[0] for k, v in row.ci95.items()},
            "ci_high": {k: v[1] for k, v in row.ci95.items()},
            "users": users,
            "trials": row.trials,
            "fit_s": row.fit_s,
            "predict_s": row.predict_s,
            "peak_mb": row.peak_mb,
            "seed": run.seed,
            "judged_at": run.now,
            "run_id": run.run_id,
        }
        for row in rows
    ]
    run.lake.append(LEADERBOARD, frame_of_rows(run.spark, LEADERBOARD, records))
