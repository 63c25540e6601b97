"""What a run cannot learn from is refused before its long stages: by the files before
Spark starts, by silver before the features.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import TYPE_CHECKING

from fuserank.common.errors import FuserankError
from fuserank.history.limits import History, counted, problem, short_lists
from fuserank.jobs.inputs.history import reversals
from fuserank.sources.files.read import resolve_root
from fuserank.sources.onboarding.scan.first_days import lake_days, taken_days
from fuserank.tables.silver import EVENTS

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.config.settings import Settings
    from fuserank.io.runtime.run import Run

_DAY = dt.timedelta(days=1)


def refuse_impossible(settings: Settings, dataset: DatasetConfig) -> None:
    """By a look at files of this machine, before Spark starts: raises where no day beside
    as_of could do either, as zones move days.

    What the lake has already counts too.
    """
    days, as_of = settings.windows.label_days, settings.as_of
    root = resolve_root(dataset.root.folder, dataset.root.package)
    history = taken_days(root, dataset, as_of, days)
    if history is None:
        return
    if there := lake_days(settings.lake):  # by other files, perhaps: no users can be told apart
        history = History({**dict.fromkeys(there, 1), **history.days})
    beside = [problem(replace(history, back=None), as_of + n * _DAY, days) for n in (-1, 1)]
    if (message := problem(history, as_of, days)) and all(beside):
        raise FuserankError(message)


def refuse_unlearnable(run: Run, as_of: dt.date) -> None:
    """By silver, before the features: raises where the run would end at its samples or
    its fusion; says that lists will be short.
    """
    known = run.lake.known(EVENTS, as_of)
    days = run.settings.windows.label_days
    history = counted(known, reversals(run.lake, known), as_of, days)
    if message := problem(history, as_of, days):
        raise FuserankError(message)
    if short := short_lists(history, run.settings.ranking.k):
        run.say(short)
