"""A data set's mapping: what the shop's files are called, and what their columns mean here.

conf/datasets/<name>.yaml is read into ``DatasetConfig``. Unknown keys, unknown columns and contradictions are refused
with the path of the key, before any file is opened.
"""

from __future__ import annotations

import datetime as dt
from functools import cache
from typing import Any, Literal
from zoneinfo import available_timezones

from pydantic import Field, field_validator, model_validator

from fuserank.config.base import Section
from fuserank.config.mapping.dimensions import DimensionsConfig, LineMoneyConfig, MoneyConfig
from fuserank.config.mapping.json_paths import problem as paths_problem
from fuserank.config.mapping.pseudonyms import PseudonymsConfig
from fuserank.config.mapping.rows import FillConfig, JoinConfig
from fuserank.config.mapping.texts import path_problem, pattern_problem
from fuserank.registry.connectors import ConnectConfig

ColumnType = Literal[
    "string",
    "long",
    "double",
    "decimal",
    "boolean",
    "date",
    "timestamp",
    "epoch_seconds",
    "epoch_millis",
    "epoch_micros",
    "epoch_nanos",
]
Role = Literal["exposure", "feedback", "reversal"]
Scalar = str | int | float | bool


class RootConfig(Section):
    """Where the files are: a folder (or a URL that Spark reads), or a folder inside an installed Python package."""

    folder: str = Field("", description="a path or URL; with `package`, the folder inside it")
    package: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*(\.\w+)*$",
        description="importable name of an installed package that carries the files",
    )

    @model_validator(mode="after")
    def _one_of(self) -> RootConfig:
        if not self.folder and not self.package:
            raise ValueError("name a folder, or a package and the folder inside it")
        if self.package and self.folder and (wrong := path_problem(self.folder, "the package")):
            raise ValueError(wrong)
        return self


class ColumnConfig(Section):
    """One source column: its declared type. A short form ``name: long`` stands for ``name: {type: long}``."""

    type: ColumnType = Field(description="what the cells are; a cell that cannot be cast is quarantined")
    zone: str = Field("UTC", description="for timestamps without an offset: the zone that they are told in")
    pattern: str | None = Field(
        None, description="Spark datetime pattern of text dates and timestamps; ISO 8601 unless told"
    )
    decimal: Literal[".", ","] = Field(".", description="of numbers told as text: with a comma, 1.234,5 is 1234.5")
    optional: bool = Field(False, description="files may lack the column: its cells are empty there")
    path: str | None = Field(
        None,
        min_length=1,
        description=(
            "JSON, Parquet: where the cell stands in nested ones: user.id; items[].sku, with a row for each element of"
            " one list; params[key=page].value, of the element whose key is page"
        ),
    )
    nulls: list[str] = Field(
        default_factory=list, description=r"cells that say nothing, as they are written: '\N', NULL, guest"
    )

    @model_validator(mode="before")
    @classmethod
    def _short_form(cls, value: Any) -> Any:
        return {"type": value} if isinstance(value, str) else value

    @model_validator(mode="after")
    def _known_zone(self) -> ColumnConfig:
        _check_zone(self.zone)
        if self.pattern is not None and (wrong := pattern_problem(self.pattern)):
            raise ValueError(wrong)
        return self


class RuleConfig(Section):
    """A comparison that a row must keep; a null keeps every rule but not_null.
    empty: there must be nothing in the cell.
    """

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="the rule's name in ops.quarantine")
    column: str = Field(description="the column that is looked at")
    op: Literal["==", "!=", "<", "<=", ">", ">=", "in", "not_null", "empty"] = Field(description="how it is compared")
    value: Scalar | list[Scalar] | None = Field(None, description="with what, as the column's declared type")

    @model_validator(mode="after")
    def _value_fits(self) -> RuleConfig:
        if self.op in {"not_null", "empty"} and self.value is not None:
            raise ValueError(f"{self.op} takes no value")
        if self.op == "in" and not (isinstance(self.value, list) and self.value):
            raise ValueError("`in` takes a list of values")
        if self.op not in {"in", "not_null", "empty"} and (self.value is None or isinstance(self.value, list)):
            raise ValueError(f"`{self.op}` takes one value")
        return self


class FilesConfig(Section):
    """One table of the source: its files, their format, its declared columns. Undeclared columns stay in bronze."""

    path: str = Field(min_length=1, description="path or glob under the root")
    format: Literal["parquet", "csv", "jsonl", "json", "sequences"] = Field(
        description=(
            "all files of the table have one format; jsonl: an object a line; json: one array of objects, or one"
            " object, over several lines; sequences: lines of `user item item …` between blanks, which become rows of"
            " the columns user, item (string) and position (long, from 1)"
        )
    )
    columns: dict[str, ColumnConfig] = Field(
        min_length=1, description="columns that the mapping uses, with their types"
    )
    delimiter: str = Field(
        ",", min_length=1, max_length=4, description="CSV: between cells; one sign, or some, such as ::"
    )
    encoding: str = Field(
        "UTF-8", pattern=r"^[A-Za-z0-9][\w.:+-]*$", description="CSV: character set; JSON lines are UTF-8"
    )
    header: bool = Field(True, description="CSV: the first line has the names; without it columns are _c0, _c1, …")
    quote: str = Field(
        '"', pattern=r"^(none|\S)$", description="CSV: around cells; none: quotes are parts of the cells, as in TSV"
    )
    escape: str | None = Field(
        None, pattern=r"^\S$", description="CSV: before a quote inside of quotes, such as \\; unless told it is doubled"
    )
    skip: int = Field(0, ge=0, le=1000, description="CSV: lines before the table, such as a title or `sep=;`")
    rules: list[RuleConfig] = Field(default_factory=list, description="comparisons that every row must keep")
    join: JoinConfig | None = Field(
        None,
        description=(
            "columns from another table; what changes there later counts for new files, or once `version` is raised"
        ),
    )
    fill_down: FillConfig | None = Field(None, description="cells that only the first of some rows says")

    @field_validator("path")
    @classmethod
    def _stays_inside(cls, path: str) -> str:
        if wrong := path_problem(path, "root.folder"):
            raise ValueError(wrong)
        return path

    @model_validator(mode="after")
    def _paths_fit(self) -> FilesConfig:
        if self.paths() and self.format not in {"jsonl", "json", "parquet"}:
            raise ValueError(f"columns.{next(iter(self.paths()))}.path: {self.format} has no nested cells")
        if wrong := paths_problem(self.paths().values()):
            raise ValueError(f"columns: {wrong}")
        return self

    @model_validator(mode="after")
    def _fill_down_fits(self) -> FilesConfig:
        if self.fill_down and (wrong := self.fill_down.wrong(self.columns, self.join.columns if self.join else ())):
            raise ValueError(f"fill_down.{wrong}")
        return self

    def paths(self) -> dict[str, str]:
        """Column → where it stands in nested ones."""
        return {name: column.path for name, column in self.columns.items() if column.path is not None}

    @model_validator(mode="after")
    def _json_is_utf8(self) -> FilesConfig:
        if self.format in {"jsonl", "json"} and self.encoding.upper() not in {"UTF-8", "UTF8"}:
            raise ValueError(f"JSON lines are read as UTF-8: iconv -f {self.encoding} -t UTF-8 rewrites a file")
        return self


class RewardConfig(Section):
    """reward = value, or scale × column + offset; kept in (low, high)."""

    value: float | None = Field(None, description="one reward for every event of the type")
    column: str | None = Field(None, description="a number of the event, such as its rating")
    scale: float = Field(1.0, description="factor on the column")
    offset: float = Field(0.0, description="added after the factor")
    missing: float | None = Field(None, description="reward where the column is empty; None: such an event is none")
    low: float = Field(-1e6, description="smallest reward")
    high: float = Field(1e6, description="largest reward")

    @model_validator(mode="after")
    def _one_of(self) -> RewardConfig:
        if (self.value is None) == (self.column is None):
            raise ValueError("give either value or column")
        if self.missing is not None and self.column is None:
            raise ValueError("missing goes with column")
        return self


class TypeConfig(Section):
    """An event type: its name here, its role, its reward."""

    type: str = Field(pattern=r"^[a-z][a-z0-9_]*$", description="view, cart, purchase, rating, return, …: an open list")
    role: Role = Field(description="exposure, feedback or reversal: what stages ask for")
    reward: RewardConfig = Field(RewardConfig(value=1.0), description="f(type, value)")


class ReversesConfig(Section):
    """Which event a reversal takes back: the event of that type whose key these columns hold."""

    type: str = Field(description="type of the event that is taken back")
    key: list[str] = Field(min_length=1, description="columns with that event's key, in the order of its own `key`")


class EventsConfig(Section):
    """One kind of row that is an event, or several told apart by a type column."""

    source: str = Field(alias="from", description="table in `files`")
    type: str | None = Field(None, pattern=r"^[a-z][a-z0-9_]*$", description="every row is an event of this type")
    role: Role | None = Field(None, description="the role of `type`")
    reward: RewardConfig = Field(RewardConfig(value=1.0), description="the reward of `type`")
    type_column: str | None = Field(None, description="or: the column that says the type")
    types: dict[str, TypeConfig] = Field(
        default_factory=dict, description="what `type_column` says → type, role, reward"
    )
    user: str = Field(description="column")
    item: str = Field(description="column")
    time: str | None = Field(None, description="column: date or timestamp; needed where `order` is time")
    clock: str | None = Field(
        None,
        description=(
            "column: time of day, where `time` is a date; string: 16:31, 4:31 PM, 1631; long: 1631, 5 for 00:05"
        ),
    )
    place: str | None = Field(None, description="column: place among the user's events, where `order` is position")
    key: list[str] = Field(
        min_length=1, description="columns that together are unique per event type: the event id's stuff"
    )
    quantity: str | None = Field(None, description="column with whole units")
    amount: LineMoneyConfig | None = Field(None, description="what was paid for the line")
    discounts: list[MoneyConfig] = Field(default_factory=list, description="store discounts; summed")
    coupons: list[MoneyConfig] = Field(default_factory=list, description="coupon discounts; summed")
    value: str | None = Field(None, description="column with the type's own number, such as a rating")
    session: str | None = Field(None, description="column: basket, visit")
    store: str | None = Field(None, description="column")
    platform: str | None = Field(None, description="column: web, app, store")
    request: str | None = Field(None, description="column: the ranking request behind it")
    position: str | None = Field(None, description="column: place in the slate, from 1")
    propensity: str | None = Field(None, description="column: probability of the logging policy")
    campaign: str | None = Field(None, description="column")
    text_ref: str | None = Field(None, description="column: where a review's text is kept")
    reverses: ReversesConfig | None = Field(None, description="for reversals")

    @model_validator(mode="after")
    def _one_kind(self) -> EventsConfig:
        if (self.type is None) == (self.type_column is None):
            raise ValueError("give either type (with role) or type_column (with types)")
        if self.type is not None and self.role is None:
            raise ValueError("type needs its role: exposure, feedback or reversal")
        if self.type is not None and self.types:
            raise ValueError("types belong to type_column")
        if self.type_column is not None and not self.types:
            raise ValueError("type_column needs types: what it says → type, role, reward")
        if self.amount is not None and self.amount.per == "unit" and self.quantity is None:
            raise ValueError("amount.per: unit is multiplied by quantity; name its column")
        return self

    def kinds(self) -> dict[str | None, TypeConfig]:
        """What the type column says (None: there is none) → type, role, reward."""
        if self.type is not None and self.role is not None:
            return {None: TypeConfig(type=self.type, role=self.role, reward=self.reward)}
        return {value: kind for value, kind in self.types.items()}  # noqa: C416  # a dict of wider keys for mypy

    def columns(self) -> dict[str, str]:
        """Key path in the mapping → source column that it names."""
        plain = (
            "type_column",
            "user",
            "item",
            "time",
            "clock",
            "place",
            "quantity",
            "value",
            "session",
            "store",
            "platform",
            "request",
            "position",
            "propensity",
            "campaign",
            "text_ref",
        )
        named = {field: getattr(self, field) for field in plain if getattr(self, field) is not None}
        named |= {f"key.{i}": column for i, column in enumerate(self.key)}
        named |= {"amount.column": self.amount.column} if self.amount else {}
        for field in ("discounts", "coupons"):
            named |= {f"{field}.{i}.column": money.column for i, money in enumerate(getattr(self, field))}
        named |= {f"reverses.key.{i}": column for i, column in enumerate(self.reverses.key)} if self.reverses else {}
        named |= {f"types.{k}.reward.column": t.reward.column for k, t in self.types.items() if t.reward.column}
        return named | ({"reward.column": self.reward.column} if self.reward.column else {})


class CurrencyConfig(Section):
    """The shop's one currency."""

    code: str = Field(pattern=r"^[A-Z]{3}$", description="ISO 4217")
    minor_per_major: Literal[1, 10, 100, 1000] = Field(
        100, description="minor units in a major one: 100 cents a dollar"
    )


class WeeksConfig(Section):
    """The shop's own week numbers."""

    week_1_starts: dt.date = Field(
        description="first day of week 1, in the shop's zone; later weeks follow every 7 days"
    )


class DatasetConfig(Section):
    """The whole mapping of one data set."""

    name: str = Field(
        pattern=r"^[a-z][a-z0-9_]*$", description="part of table names and event ids; do not change it later"
    )
    version: int = Field(1, ge=1, description="raise it to have files that came in earlier read again")
    as_of: dt.date | None = Field(None, description="the day that a run is as of where it is told none")
    order: Literal["time", "position", "none"] = Field(
        "time",
        description=(
            "what is known of the order of events. position: the last of each user are held out, none: a tenth of all, "
            "by hash; they get days around `as_of` of their own (stages/silver/orders.py)"
        ),
    )
    time_zone: str = Field(description="the shop's own zone: its days and weeks begin at midnight there")
    currency: CurrencyConfig
    weeks: WeeksConfig | None = Field(None, description="needed where a column holds week numbers")
    root: RootConfig
    files: dict[str, FilesConfig] = Field(min_length=1)
    connect: dict[str, ConnectConfig] = Field(
        default_factory=dict,
        description="table → where `fuserank fetch` gets its files from; they land in <root>/<table>/",
    )
    events: list[EventsConfig] = Field(min_length=1)
    dimensions: DimensionsConfig = DimensionsConfig()
    pseudonyms: PseudonymsConfig | None = Field(
        None, description="None: users' ids are kept as they come, for data that is anonymous already"
    )

    @model_validator(mode="after")
    def _zone_is_known(self) -> DatasetConfig:
        _check_zone(self.time_zone)
        return self

    def only_joined(self) -> set[str]:
        """Tables that bring columns to others, and that nothing else is made of."""
        used = {e.source for e in self.events} | {d.source for d in self.dimensions.declared().values()}
        return {f.join.table for f in self.files.values() if f.join} - used

    def lacks(self) -> list[str]:
        """What a shop may tell and this one does not; the chain goes on without it."""
        declared = self.dimensions.declared()
        lacking = {
            "times": self.order == "time",
            "baskets": any(e.session for e in self.events),
            "prices": any(e.amount for e in self.events),
            "a catalogue": "items" in declared,
            "facts about users": "users" in declared,
            "promotions": "promotions" in declared,
            "coupons": "coupons" in declared,
        }
        return [name for name, there in lacking.items() if not there]


@cache
def _zones() -> frozenset[str]:
    """Asked for each column of a mapping, and each answer is a walk through the folders of zones."""
    return frozenset(available_timezones())


def _check_zone(zone: str) -> None:
    if zone not in _zones():
        raise ValueError(f"time zone {zone!r} is not in the IANA list, such as Europe/Berlin")
