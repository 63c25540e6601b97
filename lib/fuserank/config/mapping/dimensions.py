"""The part of a mapping that is no events: catalogue, users, campaigns, coupons,
promotions; each says when it is known.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field, model_validator

from fuserank.config.base import Section
from fuserank.tables import attributes as a


class KnownAtConfig(Section):
    """From when on a row is known; exactly one rule."""

    since: dt.date | None = Field(None, alias="from", description="all rows are known from this day, shop's zone")
    column: str | None = Field(
        None, description="date or timestamp column; a date is known from its midnight, shop's zone"
    )
    plus_days: int = Field(
        0, ge=0, description="days added to `column`: 1 where a date is only known when the day is over"
    )
    week: str | None = Field(None, description="column with a week number: known from the week's first day")
    campaign: str | None = Field(None, description="column with a campaign: known from the campaign's start")

    @model_validator(mode="after")
    def _one_of(self) -> KnownAtConfig:
        if sum(rule is not None for rule in (self.since, self.column, self.week, self.campaign)) != 1:
            raise ValueError("give exactly one of from, column, week, campaign")
        return self


class MoneyConfig(Section):
    """A column with an amount of the shop's one currency."""

    column: str
    unit: Literal["major", "minor"] = Field(description="major: 1.99 dollars; minor: 199 cents")


class LineMoneyConfig(MoneyConfig):
    """An amount of a line, told for the whole of it or for one unit."""

    per: Literal["line", "unit"] = Field("line", description="unit: the line's amount is the column times `quantity`")


class TextConfig(Section):
    """Text put together: the first of some columns that is not null, then others, with a blank between."""

    first_of: list[str] = Field(min_length=1, description="columns; the first that is not null")
    then: list[str] = Field(default_factory=list, description="columns that follow where they are not null")

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"first_of": [value]} if isinstance(value, str) else value


class AttributeConfig(Section):
    """What the shop tells of its items or users in words of its own. Short form: ``director: column``."""

    column: str
    type: Literal["category", "number"] = Field(
        "category", description="category: alike or not, such as a director; number: more or less, such as a year"
    )
    role: str | None = Field(
        None, description="the contract's column whose part it plays, such as brand; none: a place for attributes"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"column": value} if isinstance(value, str) else value


class _Dimension(Section):
    source: str = Field(alias="from", description="table in `files`")
    known_at: KnownAtConfig

    def columns(self) -> dict[str, str]:
        """Key path in the mapping → source column that it names."""
        named: dict[str, str] = {}
        for field in type(self).model_fields:
            value = getattr(self, field)
            if field == "source" or value is None:
                continue
            if isinstance(value, str) and field != "absent":
                named[field] = value
            elif isinstance(value, TextConfig):
                named |= {f"{field}.{i}": c for i, c in enumerate([*value.first_of, *value.then])}
            elif isinstance(value, MoneyConfig):
                named[f"{field}.column"] = value.column
            elif field == "attributes":
                named |= {f"attributes.{name}.column": one.column for name, one in value.items()}
        for rule in ("column", "week", "campaign"):
            if getattr(self.known_at, rule) is not None:
                named[f"known_at.{rule}"] = getattr(self.known_at, rule)
        return named


class _Described(_Dimension):
    """A dimension with attributes of the shop's own."""

    attributes: dict[str, AttributeConfig] = Field(
        default_factory=dict,
        description=(
            "name → column, type, role. In the order that they stand here they take the contract's places: add at"
            " the end"
        ),
    )
    _roles: ClassVar[tuple[str, ...]] = ()
    _places: ClassVar[dict[str, tuple[str, ...]]] = {}

    def placed(self) -> dict[str, str]:
        """Attribute → the contract's column that holds it."""
        free = {kind: iter(places) for kind, places in self._places.items()}
        return {name: one.role or next(free[one.type]) for name, one in self.attributes.items()}

    @model_validator(mode="after")
    def _attributes_have_places(self) -> _Described:
        taken = {role for role in self._roles if getattr(self, role) is not None}
        for name, one in self.attributes.items():
            if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
                raise ValueError(f"attributes: {name!r}: a name has lower case letters, digits and _, a letter first")
            if one.role is None:
                continue
            if one.role not in self._roles:
                raise ValueError(f"attributes.{name}.role: {one.role!r} is not one of {', '.join(self._roles)}")
            if one.type == "number":
                raise ValueError(f"attributes.{name}: what plays the part of {one.role} is a category; leave role out")
            if one.role in taken:
                raise ValueError(f"attributes.{name}.role: {one.role} is given already")
            taken.add(one.role)
        for kind, places in self._places.items():
            names = [n for n, one in self.attributes.items() if one.type == kind and one.role is None]
            if len(names) > len(places):
                cure = f"; give some a role ({', '.join(self._roles)})" if kind == "category" else ""
                raise ValueError(
                    f"attributes: there is room for {len(places)} of type {kind}, not for {', '.join(names)}{cure}"
                )
        return self


def _places(categories: Sequence[str], numbers: Sequence[str]) -> dict[str, tuple[str, ...]]:
    return {"category": tuple(categories), "number": tuple(numbers)}


class ItemsConfig(_Described):
    """The catalogue → silver.items. Rows of one item that are known at different times are its versions."""

    _roles = a.ITEM_ROLES
    _places = _places(a.ITEM_CATEGORIES, a.ITEM_NUMBERS)

    item: str
    name: TextConfig | None = None
    department: str | None = None
    category: str | None = None
    product_type: str | None = None
    brand: str | None = None
    manufacturer_id: str | None = None
    package_size: str | None = None
    price: MoneyConfig | None = Field(None, description="what a unit costs by the catalogue")
    own_label: list[str] = Field(
        default_factory=list, description="brands that are the shop's own label, as `brand` says them"
    )


class UsersConfig(_Described):
    """Demographics → silver.users."""

    _roles = a.USER_ROLES
    _places = _places(a.USER_CATEGORIES, a.USER_NUMBERS)

    user: str
    age: str | None = None
    income: str | None = None
    home_ownership: str | None = None
    marital_status: str | None = None
    household_size: str | None = None
    household_comp: str | None = None
    kids_count: str | None = None


class IdentityLinksConfig(_Dimension):
    """Ids of one person on several platforms → silver.identity_links: events of ``other`` count as those of ``user``.

    From known_at on, until a later row of the same ``other`` says otherwise; only where the person consented.
    """

    other: str = Field(description="column: the id on another platform, such as a web visitor's")
    user: str = Field(description="column: the id that stays, such as the account's or the store card's")
    consent: str = Field(description="column, boolean: whether the person agreed; empty is no, and ends a link")
    platform: str | None = Field(None, description="column: the platform of `other`: web, app")


class SocialConfig(_Dimension):
    """Whom a user trusts, follows or knows → silver.social: one row per two users, and time.

    Both are users of the shop. From known_at on, until a later row of the same two says otherwise.
    """

    user: str = Field(description="column: the user whose taste may follow the other's")
    other: str = Field(description="column: the user who is trusted, followed, a friend")
    weight: str | None = Field(
        None, description="column, a number: 0 or less ends the link; without it a row is a link"
    )


class CampaignsConfig(_Dimension):
    """Campaigns → silver.campaigns."""

    campaign: str
    campaign_type: str | None = None
    start: str
    end: str


class CampaignUsersConfig(_Dimension):
    """Who was sent what → silver.campaign_users."""

    campaign: str
    user: str


class CouponsConfig(_Dimension):
    """Coupon, item, campaign → silver.coupons."""

    coupon: str
    item: str
    campaign: str


class RedemptionsConfig(_Dimension):
    """Coupons redeemed → silver.redemptions."""

    user: str
    coupon: str
    campaign: str
    time: str


class PromotionsConfig(_Dimension):
    """Displays and mailers by item, store and week → silver.promotions. Several rows of one key become one."""

    item: str
    store: str
    week: str = Field(description="column with the week's number, or a date: its first day")
    display: str | None = Field(None, description="column with the place of the display")
    mailer: str | None = Field(None, description="column with the place in the mailer")
    absent: str = Field("0", description="what display and mailer say where there is none; null says it too")


class DimensionsConfig(Section):
    """All optional: a shop that has only events leaves them out."""

    items: ItemsConfig | None = None
    users: UsersConfig | None = None
    identity_links: IdentityLinksConfig | None = None
    social: SocialConfig | None = None
    campaigns: CampaignsConfig | None = None
    campaign_users: CampaignUsersConfig | None = None
    coupons: CouponsConfig | None = None
    redemptions: RedemptionsConfig | None = None
    promotions: PromotionsConfig | None = None

    def declared(self) -> dict[str, _Dimension]:
        """The dimensions that the mapping declares, by name."""
        return {n: getattr(self, n) for n in type(self).model_fields if getattr(self, n) is not None}
