"""Profiles of users and items: read as of a day, put together. Writes no table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.common.ids import normal_id
from fuserank.config.dataset import DatasetConfig, load_dataset
from fuserank.history.events import taken
from fuserank.insight import item_counts, user_rows
from fuserank.insight.item import ItemProfile
from fuserank.insight.item import profile as item_profile
from fuserank.insight.user import About, UserProfile
from fuserank.insight.user import profile as user_profile
from fuserank.insight.words import Currency
from fuserank.jobs._card import refuse_other
from fuserank.jobs._history import reversals
from fuserank.tables import Table
from fuserank.tables import features as f
from fuserank.tables import silver as s
from fuserank.tables.candidates import CO_PURCHASE
from fuserank.tables.results import RANKING

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.lake import Lake

Rows = list[dict[str, Any]]


def users(lake: Lake, settings: Settings, as_of: dt.date, ids: Sequence[str]) -> list[UserProfile]:
    """The profiles of some users in their order, by a handful of queries for all.

    One of whom nothing is known, or who was deleted, has an empty one.
    """
    from pyspark.sql import functions as F

    dataset = load_dataset(settings.dataset)
    entries = _plain(lake.read(s.USER_DICTIONARY).where(F.col("user_id").isin(list(ids))))
    gone = {r["user_id"] for r in entries if r["deleted_at"] is not None}
    index = {r["user_index"]: r["user_id"] for r in entries if r["user_id"] not in gone}
    asked = [name for name in ids if name not in gone]
    mine = F.col("user_id").isin(asked)
    items = lake.known(s.ITEMS, as_of)
    events = _plain(user_rows.events_of(lake.known(s.EVENTS, as_of), items, asked, dataset.time_zone))
    refuse_other(dataset, {r["dataset"] for r in events})
    sent = user_rows.campaigns_of(lake.known(s.CAMPAIGN_USERS, as_of), lake.known(s.REDEMPTIONS, as_of), asked)
    made, ranked = _slice(lake, f.USER, as_of), _slice(lake, RANKING, as_of)
    features = _plain(made and made.where(F.col("user_index").isin(list(index))))
    ranking = _plain(ranked and ranked.where(mine & (F.col("surface") == settings.ranking.surface)))
    of_user = [
        {r["user_id"]: r for r in _plain(lake.known(s.USERS, as_of).where(mine))},
        {index[r["user_index"]]: r for r in features},
        {r["user_id"]: r for r in _plain(sent)},
    ]
    about = _about(dataset, as_of)
    cut = len(events) >= user_rows.MOST

    def of(name: str) -> UserProfile:
        own, listed = ([r for r in rows if r["user_id"] == name] for rows in (events, ranking))
        demographics, row, sent_to = (found.get(name) for found in of_user)
        return user_profile(name, about, own, demographics, row, listed, sent_to, cut)

    return [of(name) for name in ids]


def user(lake: Lake, settings: Settings, as_of: dt.date, wanted: str) -> UserProfile:
    """One user.

    :raises FuserankError: nothing of that user was known before as_of; names the ids that are nearest
    """
    name = normal_id(wanted) or ""
    (found,) = users(lake, settings, as_of, [name])
    if not (found.events or found.demographics or found.ranking or found.campaigns):
        raise FuserankError(_nobody(lake, as_of, name, s.USER_DICTIONARY, "user"))
    return found


def item(lake: Lake, settings: Settings, as_of: dt.date, wanted: str) -> ItemProfile:
    """One item.

    :raises FuserankError: nothing of that item was known before as_of; names those of that name, or the nearest ids
    """
    from pyspark.sql import functions as F

    dataset, name = load_dataset(settings.dataset), normal_id(wanted) or ""
    known, items = lake.known(s.EVENTS, as_of), lake.known(s.ITEMS, as_of)
    mine = F.col("item_id") == name
    kinds, catalogue = _plain(item_counts.kinds(known.where(mine))), _plain(items.where(mine))
    if not kinds and not catalogue:
        raise FuserankError(_nobody(lake, as_of, name, s.ITEM_DICTIONARY, "item"))
    refuse_other(dataset, {r[end] for r in kinds for end in ("dataset_low", "dataset_high")})
    good = taken(known.where(mine), reversals(lake, known))
    dictionary = lake.read(s.ITEM_DICTIONARY)
    neighbours, ranked, made = (_slice(lake, t, as_of) for t in (CO_PURCHASE, RANKING, f.ITEM))
    surface = F.col("surface") == settings.ranking.surface
    number = F.broadcast(dictionary.where(mine).select("item_index"))
    return item_profile(
        name,
        _about(dataset, as_of),
        kinds,
        _plain(item_counts.weekly(good, dataset.time_zone)),
        _plain(item_counts.buyers(good)),
        catalogue=_first(catalogue),
        promoted=_plain(item_counts.promoted(lake.known(s.PROMOTIONS, as_of), name)),
        together=_plain(neighbours and item_counts.together(neighbours, dictionary, items, name)),
        listed=_first(_plain(ranked and item_counts.listed(ranked.where(surface), name))),
        features=_first(_plain(made and made.join(number, "item_index"))),
    )


def _about(dataset: DatasetConfig, as_of: dt.date) -> About:
    currency = Currency(dataset.currency.code, dataset.currency.minor_per_major)
    told = (dataset.dimensions.items, dataset.dimensions.users)
    items, users = ({place: name for name, place in d.placed().items()} if d else {} for d in told)
    return About(as_of, dataset.name, dataset.time_zone, currency, items, users)


def _slice(lake: Lake, table: Table, as_of: dt.date) -> DataFrame | None:
    return lake.read(table, as_of_date=as_of) if lake.exists(table) else None


def _plain(frame: DataFrame | None) -> Rows:
    """The rows as plain mappings; a table that is not there has none."""
    return [] if frame is None else [r.asDict() for r in frame.collect()]


def _first(rows: Rows) -> dict[str, Any] | None:
    return rows[0] if rows else None


def _nobody(lake: Lake, as_of: dt.date, wanted: str, dictionary: Table, side: str) -> str:
    """Words for an id of which nothing is known: items of that name, else the nearest ids, all from before as_of."""
    from pyspark.sql import functions as F

    said = f"nothing is known of {side} {wanted!r} before {as_of}"
    if side == "item" and wanted:
        named = lake.known(s.ITEMS, as_of).where(F.lower("name").contains(wanted.lower()))
        found = named.orderBy("name", "item_id").select("item_id", "name").limit(5).collect()
        if found:
            return f"{said}; items of that name: {', '.join(f'{r.item_id} ({r.name})' for r in found)}"
    before = F.col("first_event_time") < F.lit(as_of).cast("timestamp")
    seen = lake.read(dictionary).where(before & F.col("deleted_at").isNull())
    near = [r[0] for r in user_rows.nearest(seen, f"{side}_id", wanted).collect()]
    if not near:
        return f"{said}: the lake {lake.root} holds no events from before that day"
    return f"{said}; the nearest ids: {', '.join(near)}"
