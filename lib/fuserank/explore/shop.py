"""What pages are made from: a lake's rows, its settings and the day that is looked at."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.load import load_dataset
from fuserank.registry.models import MODELS
from fuserank.registry.sources import SOURCES
from fuserank.tables.features import ITEM, USER
from fuserank.tables.ops import INGESTED
from fuserank.tables.results import METRICS, RANKING
from fuserank.usecases.profile import about_of

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.insight.profiles.user import About
    from fuserank.io.lake.rows import FolderRows
    from fuserank.tables import Table

PAGE = 50  # rows of one page
_FUSION, _GREY = "#0b6e4f", "#8d99a6"


class NotThere(FuserankError):
    """What was asked for is not in the lake; ``near`` are (words, address) of what is."""

    def __init__(self, message: str, near: list[tuple[str, str]] | None = None) -> None:
        super().__init__(message)
        self.near = near or []


@dataclass(frozen=True)
class Shop:
    """One lake, as of one day."""

    reader: FolderRows
    settings: Settings

    @property
    def day(self) -> dt.date:
        """00:00 UTC of this day; nothing known later is shown."""
        return self.settings.as_of

    @property
    def about(self) -> About:
        """Zone, currency and the shop's own names for attributes."""
        return about_of(load_dataset(self.settings.dataset), self.day)

    def of(self, day: dt.date) -> Shop:
        """The same lake as of another day."""
        return Shop(self.reader, self.settings.model_copy(update={"as_of": day}))

    def days(self) -> list[dt.date]:
        """The days as of which something was made, the newest first."""
        found = {v for t in (RANKING, USER, ITEM, METRICS) for v in self.reader.slices(t, "as_of_date")}
        return sorted((dt.date.fromisoformat(v) for v in found), reverse=True)


def needs(shop: Shop, table: Table, what: str) -> None:
    """Raise NotThere with the cure where a table of users or items was never written."""
    if not shop.reader.exists(table):
        where = f"--dataset {shop.settings.dataset} --lake {shop.reader.root}"
        raise NotThere(f"there are no {what} in this lake yet; `fuserank refresh {where}` brings them in")


def chosen(reader: FolderRows, settings: Settings, dataset: str | None, as_of: str | None) -> tuple[str, dt.date]:
    """The data set and the day to begin with: as they are named, else the lake's only data set, and its newest day
    with lists where there are none as of the day of the settings.
    """
    held = {r["dataset"] for r in reader.rows(INGESTED, {}, ("dataset",))} if reader.exists(INGESTED) else set()
    name = next(iter(held)) if dataset is None and len(held) == 1 else settings.dataset
    days = reader.slices(RANKING, "as_of_date")
    day = settings.as_of
    if as_of is None and days and str(day) not in days:
        day = dt.date.fromisoformat(max(days))
    return name, day


def called(source: str) -> str:
    """What a person calls a source, a model or the fusion."""
    if source in MODELS:
        return str(MODELS[source].label)
    return str(SOURCES[source].label) if source in SOURCES else source


def colour(source: str) -> str:
    """Its colour, as the report has it; grey where it is not declared."""
    if source in MODELS:
        return str(MODELS[source].colour)
    return str(SOURCES[source].colour) if source in SOURCES else {"fusion": _FUSION}.get(source, _GREY)


def pages(total: int, first: int) -> dict[str, Any]:
    """From where the page before and the next begin; None where there is none."""
    return {
        "first": first,
        "last": min(first + PAGE, total),
        "total": total,
        "before": max(first - PAGE, 0) if first else None,
        "next": first + PAGE if first + PAGE < total else None,
    }
