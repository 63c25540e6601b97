"""Settings that the data decide: a field that is ``auto`` gets its value from a
written rule, one that is set keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from fuserank.config.base import Section

AUTO: Any = "auto"  # a default of any type
S = TypeVar("S", bound=Section)


@dataclass(frozen=True)
class Numbers:
    """What the rules for ``auto`` know of the data: how many users and items have a pair, and how many pairs there are.

    ``reach``: how many users the item of a pair has, as a mean over pairs. ``pace``: the time from one day (or step)
    on which a user has a pair to that user's next one, as a mean over all; 0 where the order is not known.
    """

    users: int
    items: int
    pairs: int
    reach: float = 1.0
    pace: float = 0.0

    @property
    def a_user(self) -> float:
        """Pairs of a user, a mean."""
        return self.pairs / max(self.users, 1)

    @property
    def an_item(self) -> float:
        """Pairs of an item, a mean."""
        return self.pairs / max(self.items, 1)

    @property
    def chance(self) -> float:
        """Users that two items which are taken would share by chance: below 1 a meeting says much, above it little."""
        return self.reach**2 / max(self.users, 1)

    @property
    def most_factors(self) -> int:
        """The longest factors that a search tries: half of the smaller side, 16 at least."""
        return max(16, min(self.users, self.items) // 2)

    def __str__(self) -> str:
        order = f"{self.pace:.3g} from one to the next" if self.pace else "no order"
        size = f"{self.users:,} users, {self.items:,} items, {self.pairs:,} pairs"
        return f"{size}, {self.reach:.3g} users of a taken item, {order}"


# Numbers, and the settings as they are given → what ``auto`` stands for, by field.
Rule = Callable[[Numbers, Any], dict[str, Any]]


class _OrAuto:
    """In ``Annotated``: ``auto`` is a value, too.

    The type stays what kernels read, as they get settings that are settled.
    """

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def check(value: Any, inner: core_schema.ValidatorFunctionWrapHandler) -> Any:
            return value if isinstance(value, str) and value == AUTO else inner(value)

        return core_schema.no_info_wrap_validator_function(
            check, handler(source), serialization=core_schema.plain_serializer_function_ser_schema(lambda value: value)
        )

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        return {"anyOf": [{"const": AUTO}, handler(core)]}


OR_AUTO = _OrAuto()


def tuned(*choices: Any) -> dict[str, Any]:
    """What a search may try of a field: for its ``json_schema_extra``."""
    return {"tune": list(choices)}


def field_extras(of: type[Section]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Fields that say more of themselves (``tuned``, ``of_order`` and the like), and what they say."""
    for name, info in of.model_fields.items():
        if isinstance(extra := info.json_schema_extra, dict):
            yield name, extra


def open_fields(cfg: Section) -> list[str]:
    """The fields that are ``auto``, in the order in which they are declared; of nested sections none is."""
    return [name for name in type(cfg).model_fields if isinstance(v := getattr(cfg, name), str) and v == AUTO]


def settled(cfg: S, numbers: Numbers) -> S:
    """The settings with what their class's ``by_data`` says for each field that is ``auto``."""
    if not (waiting := open_fields(cfg)):
        return cfg
    rule = getattr(type(cfg), "by_data", None)
    values: Mapping[str, Any] = rule(numbers, cfg) if rule else {}
    if missing := [name for name in waiting if name not in values]:
        raise ValueError(f"{type(cfg).__name__}.by_data says nothing of {', '.join(missing)}")
    return type(cfg).model_validate({**cfg.model_dump(), **{name: values[name] for name in waiting}})


def chosen(cfg: Section, by: Section) -> str:
    """What ``auto`` stood for: ``by`` is ``cfg``, settled."""
    return ", ".join(f"{name}={_as_text(getattr(by, name))}" for name in open_fields(cfg))


def _as_text(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else "null" if value is None else str(value)
