"""What features are counted from, as it was known before each of the days."""

from __future__ import annotations

import datetime as dt
import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING

from fuserank.config.features import FeaturesConfig
from fuserank.history.windows import held_out_days
from fuserank.jobs.inputs.history import reversals
from fuserank.stages.features.batch import Known
from fuserank.tables import silver

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.lake import Lake


def days_of(settings: Settings, as_of: dt.date) -> list[dt.date]:
    """The days that a run as of ``as_of`` needs features of, the earliest first."""
    return sorted(as_of - dt.timedelta(days=back) for back in held_out_days(settings.windows.label_days))


def known_tables(lake: Lake, days: Sequence[dt.date], cfg: FeaturesConfig, own_label: Sequence[str] = ()) -> Known:
    """The inputs through the as-of reader; dictionaries only number ids, so they may be of any day."""
    since = min(days) - dt.timedelta(days=cfg.promotion_days)
    events = lake.known(silver.EVENTS, max(days))
    return Known(
        events=events,
        reversals=functools.partial(reversals, lake, events),
        items=lake.known_each(silver.ITEMS, days),
        users=lake.known_each(silver.USERS, days),
        promotions=lake.known_each(silver.PROMOTIONS, days, f"week_start >= DATE'{since}'"),
        item_dictionary=lake.read(silver.ITEM_DICTIONARY),
        user_dictionary=lake.read(silver.USER_DICTIONARY),
        own_label=tuple(own_label),
    )
