"""What a search may try of a ranker: the fields of its settings and of its training that say so (``tuned``)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from fuserank.common.errors import FuserankError
from fuserank.config.auto import field_extras
from fuserank.config.models import declared
from fuserank.config.settings import changed

if TYPE_CHECKING:
    from fuserank.config.base import Section
    from fuserank.config.settings import Settings

Code = int | str  # a place among values that have an order, else the value as JSON


@dataclass(frozen=True)
class Field:
    """One setting that is searched. ``values``: numbers in their order, the default among them."""

    name: str
    path: str  # as --set takes it
    values: tuple[Any, ...]
    default: Any

    @property
    def ordered(self) -> bool:
        """Whether the values are numbers, which a sampler may take the order of."""
        return all(isinstance(v, int | float) and not isinstance(v, bool) for v in self.values)

    @property
    def codes(self) -> tuple[Code, ...]:
        """The values as a study stores them."""
        return tuple(range(len(self.values))) if self.ordered else tuple(json.dumps(v) for v in self.values)

    def code(self, value: Any) -> Code:
        """Of one of the values."""
        return self.codes[self.values.index(value)]

    def value(self, code: Code) -> Any:
        """Behind a code."""
        return self.values[self.codes.index(code)]


@dataclass(frozen=True)
class Space:
    """All fields that are searched of a model."""

    model: str
    fields: tuple[Field, ...]

    @classmethod
    def of(cls, settings: Settings, model: str, only: Iterable[str] = ()) -> Space:
        """Of the model as the settings have it; of ``only`` these fields where some are named.

        :raises FuserankError: one of ``only`` is not searched
        """
        section = declared(model).section
        places: list[tuple[str, Section]] = [
            (section or f"models.settings.{model}", settings.settings_of(model)),
            (f"models.train.{model}", settings.training_of(model)),
        ]
        found = [field for path, of in places for field in _fields(path, of)]
        names, wanted = [field.name for field in found], list(only)
        if unknown := [name for name in wanted if name not in names]:
            raise FuserankError(f"{', '.join(unknown)}: not searched of {model}; what is: {', '.join(names)}")
        return cls(model, tuple(field for field in found if field.name in wanted or not wanted))

    @property
    def defaults(self) -> dict[str, Code]:
        """The present settings, by name and code."""
        return {field.name: field.code(field.default) for field in self.fields}

    def values(self, codes: Mapping[str, Code]) -> dict[str, Any]:
        """By path, where they differ from the present settings."""
        found = {field: field.value(codes[field.name]) for field in self.fields}
        return {field.path: value for field, value in found.items() if value != field.default}

    def applied(self, settings: Settings, codes: Mapping[str, Code]) -> Settings | None:
        """The settings with these values; None where they do not go together."""
        try:
            return changed(settings, self.values(codes))
        except ValidationError:
            return None

    def as_text(self) -> str:
        """One text for one space, for a fingerprint."""
        return json.dumps([(field.path, field.values, field.default) for field in self.fields])


def _fields(path: str, of: Section) -> list[Field]:
    found = []
    for name, extra in field_extras(type(of)):
        if isinstance(choices := extra.get("tune"), list):
            default = getattr(of, name)
            values = [choice for choice in choices if _fits(of, name, choice)]
            values += [default] if default not in values else []
            field = Field(name, f"{path}.{name}", tuple(values), default)
            if field.ordered:
                field = Field(name, field.path, tuple(sorted(values)), default)
            found += [field] if len(values) > 1 else []
    return found


def _fits(of: Section, name: str, value: Any) -> bool:
    """Whether the settings take a value, all else as it is."""
    try:
        type(of).model_validate({**of.model_dump(), name: value})
    except ValidationError:
        return False
    return True
