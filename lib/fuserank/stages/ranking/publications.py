"""Which ranking is published: the history of a surface's publications, and what may follow."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from fuserank.common.errors import FuserankError
from fuserank.common.standing import standing as _standing


@dataclass(frozen=True)
class Publication:
    """A row of ranking.published."""

    surface: str
    number: int
    action: str
    as_of_date: dt.date
    ranking_run_id: str
    ranking_version: int
    users_count: int
    rows_count: int
    published_at: dt.datetime
    run_id: str

    @classmethod
    def of(cls, row: Mapping[str, Any]) -> Publication:
        """The row as read from the lake."""
        return cls(**{name: row[name] for name in cls.__dataclass_fields__})

    def as_dict(self) -> dict[str, Any]:
        """Plain values by column."""
        return asdict(self)


def standing(history: Sequence[Publication]) -> list[Publication]:
    """Publications that were not rolled back, the one that readers follow last."""
    return _standing(
        sorted(history, key=lambda p: p.number), lambda p: p.ranking_run_id, lambda p: p.action == "rollback"
    )


def current(history: Sequence[Publication]) -> Publication | None:
    """What readers follow; None: nothing is published."""
    return max(history, key=lambda p: p.number, default=None)


def before(history: Sequence[Publication], surface: str, run: str | None) -> Publication:
    """What a rollback goes back to: the publication before, or that of a run.

    :raises FuserankError: there is none
    """
    stack = standing(history)
    if not stack:
        raise FuserankError(f"nothing is published on surface {surface}; run `fuserank publish`")
    now, earlier = stack[-1], [p for p in stack[:-1] if p.ranking_run_id != stack[-1].ranking_run_id]
    if run is None and not earlier:
        raise FuserankError(
            f"nothing was published on surface {surface} before run {now.ranking_run_id}; `fuserank publish RUN` makes"
            " another run visible"
        )
    if run is None:
        return earlier[-1]
    if run == now.ranking_run_id:
        raise FuserankError(f"run {run} is the published one on surface {surface}")
    found = [p for p in earlier if p.ranking_run_id == run]
    if not found:
        names = ", ".join(dict.fromkeys(p.ranking_run_id for p in reversed(earlier))) or "none"
        raise FuserankError(
            f"run {run} was not published on surface {surface} before run {now.ranking_run_id}; those that were:"
            f" {names}"
        )
    return found[-1]


def objection(now: Publication | None, as_of: dt.date, lost: int, max_lost_share: float, named: bool) -> str | None:
    """Why a ranking as of a day should not follow the published one; None: nothing speaks against it.

    :param lost: users with a published list, and none in the new ranking
    :param named: somebody named the run; else an older day is a backfill, which readers should not see
    """
    if now is None:
        return None
    if not named and as_of < now.as_of_date:
        return f"it is as of {as_of}, and the published one as of {now.as_of_date}"
    if lost > max_lost_share * now.users_count:
        return (
            f"{lost:,} of {now.users_count:,} users with a published list have none in it, more than"
            f" publish.max_lost_share={max_lost_share:g} allows"
        )
    return None
