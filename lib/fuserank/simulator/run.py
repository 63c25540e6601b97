"""A replay from beginning to end: the visits of a lake, a service that is there or one of the run, a report."""

from __future__ import annotations

import asyncio
import contextlib
import datetime as dt
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.client import AsyncClient
from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import load_dataset
from fuserank.io.lake.places import is_local
from fuserank.io.lake.rows import FolderRows
from fuserank.simulator.lines import Lines
from fuserank.simulator.past import Manner, Visit, visits
from fuserank.simulator.replay import Replay
from fuserank.simulator.service import running, sigterm_as_exit, store_of

if TYPE_CHECKING:
    from fuserank.config.collect import CollectConfig
    from fuserank.config.settings import Settings
    from fuserank.serving.store.lmdb_store import LmdbStore

_NO_LIMIT = ("serving.collect.most_per_user=0", "serving.rate=1000000", "serving.burst=1000000")


@dataclass(frozen=True)
class Plan:
    """What is played.

    :ivar first: day; None: that of the store's lists
    :ivar last: day; None: so that there are ``windows.label_days``
    :ivar name: of the run, in the ids of its events
    :ivar url: of a service that is there; None: one is started, whose times are as quick as the replay
    """

    speed: float
    manner: Manner
    name: str
    first: dt.date | None = None
    last: dt.date | None = None
    url: str | None = None
    key: str | None = None


def replayed(
    settings: Settings, plan: Plan, folder: Path, dry_run: bool, overrides: Sequence[str], say: Callable[[str], None]
) -> dict[str, Any]:
    """Play the past, and report; with ``dry_run`` what would be played.

    :param folder: of the run, for a service that is started
    :raises FuserankError: no lake in a folder, no store, days of which the lists know already, nothing to play
    """
    if not is_local(settings.lake):
        raise FuserankError(f"replay-traffic reads a lake in a folder, and {settings.lake} is none; copy it")
    with sigterm_as_exit(), contextlib.closing(store_of(settings)) as store:
        first, last = _days(settings, plan, store)
        found = visits(FolderRows(settings.lake), first, last, plan.manner)
        if not found:
            raise FuserankError(f"no basket of two items or more from {first} to {last}; name other days")
        about = _about(plan, found, first, last, store)
        if dry_run:
            return about
        report = asyncio.run(_played(settings, plan, folder, found, store, overrides, say))
    return about | report


def _days(settings: Settings, plan: Plan, store: LmdbStore) -> tuple[dt.date, dt.date]:
    as_of = dt.date.fromisoformat(store.manifest.as_of_date)
    first = plan.first or as_of
    last = plan.last or first + dt.timedelta(days=settings.windows.label_days - 1)
    if first < as_of:
        raise FuserankError(
            f"--from {first} is before {as_of}, as of which the lists were made: they know these days already; begin"
            f" at {as_of}, or publish lists as of an earlier day"
        )
    if last < first:
        raise FuserankError(f"--to {last} is before --from {first}")
    return first, last


def _about(plan: Plan, found: Sequence[Visit], first: dt.date, last: dt.date, store: LmdbStore) -> dict[str, Any]:
    seconds = (found[-1].start - found[0].start).total_seconds()
    manifest, manner = store.manifest, plan.manner
    return {
        "from": str(first),
        "to": str(last),
        "lists_as_of": manifest.as_of_date,
        "ranking_run_id": manifest.ranking_run_id,
        "speed": plan.speed,
        "seed": manner.seed,
        "think_seconds": manner.think_seconds,
        "bursts": sum(visit.is_burst for visit in found),
        "visits": len(found),
        "users": len({visit.user for visit in found}),
        "events": sum(2 * len(visit.items) for visit in found),
        "seconds": round(seconds / plan.speed, 1),
        "versions": {name: version(name) for name in ("fuserank", "lmdb", "msgspec", "numpy", "uvicorn")},
    }


async def _played(
    settings: Settings,
    plan: Plan,
    folder: Path,
    found: Sequence[Visit],
    store: LmdbStore,
    overrides: Sequence[str],
    say: Callable[[str], None],
) -> dict[str, Any]:
    with contextlib.ExitStack() as stack:
        url, key, dataset = plan.url, plan.key, None
        if url is None:
            quick = [*quickened(settings.serving.collect, plan.speed), *_NO_LIMIT, *overrides]
            service = stack.enter_context(running(settings, folder, overrides=quick))
            url, key, dataset = service.url, service.key, service.dataset
        lines = Lines(dataset or load_dataset(settings.dataset))
        async with AsyncClient(url, key) as client:
            replay = Replay(client, store, lines, plan.speed, plan.name)
            began = asyncio.get_running_loop().time()
            tally = await replay.play(found, say)
            took = asyncio.get_running_loop().time() - began
    return {"took_s": round(took, 1), **tally.as_dict(plan.manner.seed)}


def quickened(collect: CollectConfig, speed: float) -> list[str]:
    """Settings of a collector whose sessions end and fade as much quicker as the past is played."""
    half = {surface: minutes / speed for surface, minutes in collect.half_life_minutes.items()}
    return [
        f"serving.collect.keep_hours={collect.keep_hours / speed}",
        f"serving.collect.half_life_minutes={json.dumps(half)}",
        f"serving.collect.dwell_seconds={collect.dwell_seconds / speed}",
    ]
