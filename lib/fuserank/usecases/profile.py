"""Profiles of users and items: read as of a day, put together. Writes no table."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.common.ids import normal_id
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.history.events import REVERSAL
from fuserank.insight.profiles import user_rows
from fuserank.insight.profiles.item import ItemProfile
from fuserank.insight.profiles.item import profile as item_profile
from fuserank.insight.profiles.units import Currency
from fuserank.insight.profiles.user import About, UserProfile
from fuserank.insight.profiles.user import profile as user_profile
from fuserank.io.lake.rows import Before, Holds
from fuserank.tables import Table
from fuserank.tables import features as f
from fuserank.tables import silver as s
from fuserank.tables.results import RANKING
from fuserank.usecases.card import refuse_other
from fuserank.usecases.item_rows import item_rows

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row, Rows


def users(
    reader: Rows,
    settings: Settings,
    as_of: dt.date,
    ids: Sequence[str],
    read: tuple[list[dict[str, Any]], bool] | None = None,
) -> list[UserProfile]:
    """The profiles of some users, in the order of ``ids``, by a few queries for all of them.

    An unknown or deleted user has an empty profile. ``read``: what ``events_of`` returned for these users, where it
    was called before.
    """
    dataset = load_dataset(settings.dataset)
    entries = reader.rows(s.USER_DICTIONARY, {"user_id": list(ids)})
    gone = {r["user_id"] for r in entries if r["deleted_at"] is not None}
    index = {r["user_index"]: r["user_id"] for r in entries if r["user_id"] not in gone}
    wanted = [name for name in ids if name not in gone]
    mine = {"user_id": wanted}
    all_events, cut = read or events_of(reader, as_of, wanted, dataset.time_zone)
    events = [r for r in all_events if r["user_id"] not in gone]
    refuse_other(dataset, {r["dataset"] for r in events})
    sent = user_rows.campaigns_of(
        *(reader.rows(t, mine, ("user_id",), known=as_of) for t in (s.CAMPAIGN_USERS, s.REDEMPTIONS))
    )
    features = _slice(reader, f.USER, as_of, {"user_index": list(index)})
    ranking = _slice(reader, RANKING, as_of, mine | {"surface": settings.ranking.surface})
    of_user = [
        {r["user_id"]: r for r in reader.rows(s.USERS, mine, known=as_of)},
        {index[r["user_index"]]: r for r in features},
        sent,
    ]
    about = about_of(dataset, as_of)

    def of(name: str) -> UserProfile:
        own, listed = ([r for r in rows if r["user_id"] == name] for rows in (events, ranking))
        demographics, row, sent_to = (found.get(name) for found in of_user)
        return user_profile(name, about, own, demographics, row, listed, sent_to, cut)

    return [of(name) for name in ids]


def events_of(
    reader: Rows, as_of: dt.date, users: Sequence[str], zone: str, most: int = user_rows.MOST
) -> tuple[list[dict[str, Any]], bool]:
    """The latest events of some users as ``user_rows.events_of`` has them, and whether there may be earlier ones."""
    mine = {"user_id": list(users)}
    found = reader.rows(s.EVENTS, mine, user_rows.COLUMNS, user_rows.LATEST_FIRST, most, as_of, user_rows.MADE)
    returned = {r["event_id"] for r in found if r["role"] == REVERSAL}
    back: list[Row] = []
    if returned or len(found) >= most:
        back = reader.rows(s.EVENTS, mine | {"role": REVERSAL}, ("reverses_event_id",), known=as_of)
    wanted = user_rows.items_in(found)
    items = reader.rows(s.ITEMS, {"item_id": wanted}, user_rows.OF_ITEMS, known=as_of) if wanted else []
    return user_rows.events_of(found, back, items, zone), len(found) >= most


def user(reader: Rows, settings: Settings, as_of: dt.date, wanted: str) -> UserProfile:
    """One user.

    :raises FuserankError: nothing of that user was known before as_of; names the ids that are nearest
    """
    name = normal_id(wanted) or ""
    (found,) = users(reader, settings, as_of, [name])
    if not (found.events or found.demographics or found.ranking or found.campaigns):
        raise FuserankError(unknown(reader, as_of, name, s.USER_DICTIONARY, "user"))
    return found


def item(reader: Rows, settings: Settings, as_of: dt.date, wanted: str) -> ItemProfile:
    """One item.

    :raises FuserankError: nothing of that item was known before as_of; names those of that name, or the nearest ids
    """
    dataset, name = load_dataset(settings.dataset), normal_id(wanted) or ""
    catalogue = reader.rows(s.ITEMS, {"item_id": name}, known=as_of)
    found = item_rows(reader, as_of, name, dataset.time_zone, settings.ranking.surface)
    if not found.kinds and not catalogue:
        raise FuserankError(unknown(reader, as_of, name, s.ITEM_DICTIONARY, "item"))
    refuse_other(dataset, {r[end] for r in found.kinds for end in ("dataset_low", "dataset_high")})
    number = [r["item_index"] for r in reader.rows(s.ITEM_DICTIONARY, {"item_id": name}, ("item_index",))]
    return item_profile(
        name,
        about_of(dataset, as_of),
        found.kinds,
        found.weekly,
        found.buyers,
        catalogue=_first(catalogue),
        promoted=found.promoted,
        together=found.together,
        listed=_first(found.listed),
        features=_first(_slice(reader, f.ITEM, as_of, {"item_index": number})),
    )


def about_of(dataset: DatasetConfig, as_of: dt.date) -> About:
    """What profiles as of a day share."""
    currency = Currency(dataset.currency.code, dataset.currency.minor_per_major)
    described = (dataset.dimensions.items, dataset.dimensions.users)
    items, users = ({place: name for name, place in d.placed().items()} if d else {} for d in described)
    return About(as_of, dataset.name, dataset.time_zone, currency, items, users)


def _slice(reader: Rows, table: Table, as_of: dt.date, where: dict[str, Any]) -> list[Row]:
    """The rows as of a day; a table that is not there has none."""
    return reader.rows(table, {"as_of_date": as_of, **where}) if reader.exists(table) else []


def _first(rows: list[Any]) -> Any:
    return rows[0] if rows else None


def unknown(reader: Rows, as_of: dt.date, wanted: str, dictionary: Table, side: str) -> str:
    """Words for an id of which nothing is known: items of that name, else the nearest ids, all from before as_of."""
    message = f"nothing is known of {side} {wanted!r} before {as_of}"
    if side == "item" and wanted:
        found = reader.rows(s.ITEMS, {"name": Holds(wanted)}, ("item_id", "name"), ("name", "item_id"), 5, as_of)
        named = [f"{r['item_id']} ({r['name']})" for r in found]
        if named:
            return f"{message}; items of that name: {', '.join(named)}"
    before = {"first_event_time": Before(as_of), "deleted_at": None}
    near = reader.nearest(dictionary, before, f"{side}_id", wanted, 3)
    if not near:
        return f"{message}: the lake {reader.root} holds no events from before that day"
    return f"{message}; the nearest ids: {', '.join(near)}"
