"""Values by user that evaluations left: two models, or two runs, on the same users."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.evaluation.judge import TRACKS
from fuserank.evaluation.measure import FUSION
from fuserank.evaluation.paired import OfUsers, Paired, differences, unlike
from fuserank.io.lake.rows import literal
from fuserank.jobs.inputs.registered import ledger_of, read_then
from fuserank.tables.results import BY_USER

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Rows

Judged = dict[tuple[str, str], OfUsers]  # by track and source
_COLUMNS = ("user_index", "truth", "truth_hash", "hits", "ndcg")


def paired_models(reader: Rows, settings: Settings, first: str, second: str) -> list[Paired]:
    """Two models by their ids, on each day on which evaluations judged both, the newest first."""
    if not reader.exists(BY_USER):
        return []
    ids = ", ".join(literal(model) for model in (first, second))
    query = f'SELECT DISTINCT "as_of_date", "judged", "source", "run_id" FROM t WHERE "judged" IN ({ids})'
    at = {(row["as_of_date"], row["judged"]): row for row in reader.select(query, t=BY_USER)}
    found = []
    for day in sorted({day for day, _ in at}, reverse=True):
        if (day, first) in at and (day, second) in at:
            rows = [at[day, model] for model in (first, second)]
            runs, source = (rows[0]["run_id"], rows[1]["run_id"]), rows[1]["source"]
            for track in TRACKS:
                of = [_users(reader, as_of_date=day, judged=model, track=track) for model in (first, second)]
                found.append(_paired(settings, (day, track, source), runs, *of))
    return [one for one in found if one.rows or one.why_not]


def paired_runs(settings: Settings, day: dt.date, runs: tuple[str, str], first: Judged, second: Judged) -> list[Paired]:
    """What two runs have judged as of a day (``of_run``), by track and source that both have."""
    found = [
        _paired(settings, (day, track, source), runs, first[track, source], second[track, source])
        for track, source in sorted(first.keys() & second.keys())
    ]
    return [one for one in found if one.rows or one.why_not]


def of_run(reader: Rows, day: dt.date, run: str) -> Judged:
    """What a run found of each user as of a day, by track and source; also where another run has replaced it, as long
    as its files are there.

    :raises FuserankError: there is no such run, it judged nothing as of the day, or that cannot be read any more
    """
    where = {
        "as_of_date": day,
        "run_id": run,
        "source": FUSION,
    }  # which every evaluation judges, so it is replaced last
    if reader.exists(BY_USER) and reader.rows(BY_USER, where, ("track",), most=1):
        return _judged(reader, day, run)
    ledger = ledger_of(reader, run)
    if not ledger:
        raise FuserankError(f"no run {run} in {reader.root}; `fuserank runs --lake {reader.root}` lists them")
    found: Judged | None = {}
    if BY_USER.name in ledger["versions_written"]:
        found = read_then(reader, BY_USER, ledger, lambda then: _judged(then, day, run))
    if found is None:
        raise FuserankError(
            f"what run {run} found of each user cannot be read any more: another evaluation of {day} has replaced it,"
            " and a vacuum taken it"
        )
    if not found:
        raise FuserankError(
            f"run {run} left no values by user as of {day}: it did not evaluate that day, or evaluation.by_user was"
            f" off, or it is of an older fuserank; `fuserank evaluate --as-of {day}` judges what stands there now"
        )
    return found


def _judged(reader: Rows, day: dt.date, run: str) -> Judged:
    query = (
        f'SELECT DISTINCT "track", "source" FROM t WHERE "as_of_date" = {literal(day)} AND "run_id" = {literal(run)}'
    )
    where = {"as_of_date": day, "run_id": run}
    return {(k["track"], k["source"]): _users(reader, **where, **k) for k in reader.select(query, t=BY_USER)}


def _users(reader: Rows, **where: object) -> OfUsers:
    return OfUsers.of(reader.columns(BY_USER, where, _COLUMNS))


def _paired(
    settings: Settings, of: tuple[dt.date, str, str], runs: tuple[str, str], first: OfUsers, second: OfUsers
) -> Paired:
    why_not, cfg = unlike(first, second), settings.evaluation
    rows = [] if why_not else differences(first, second, cfg.resamples, settings.seed, cfg.confidence)
    return Paired(*of, runs, rows, why_not)
