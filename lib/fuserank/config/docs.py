"""docs/settings.md, written from the classes of the settings: every key with its type, default, range and meaning."""

from __future__ import annotations

import datetime as dt
import json
import re
import types
from collections.abc import Iterator
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined

from fuserank.config.base import Section
from fuserank.config.settings import Settings
from fuserank.registry.models import MODELS
from fuserank.registry.sources import members

_HEAD = """# Settings
Generated from the classes in `lib/fuserank/config/` by `make docs`; `make lint` fails when it is out of date.

    fuserank refresh --set ranking.k=10 --set candidates.als.factors=64      # of one run
    fuserank settings                                                # this page, of the version that is installed

A value comes from `conf/base.yaml`, over it `conf/env/<env>.yaml`, over it `conf/tuned/<dataset>.yaml` where there is
one, over all `--set`, a later one over an earlier one; `--set @FILE` takes all that a file sets
([tune](how-to/tune.md)). What ships has a base and an env of its own below the project's: a project's conf/ holds
what differs ([install.md](install.md)). Values are read as YAML; a key that does not exist is refused with its path. A
key in a table below `## a.b` is written `a.b.key`. Defaults are those of the classes; `conf/base.yaml` sets `dataset`
and `as_of` for the demo. How a shop's files are read is no setting but the mapping's: [data.md](data.md).
"""
_SIGNS = {"ge": "≥", "gt": ">", "le": "≤", "lt": "<"}
_NAMES = {int: "int", float: "float", bool: "bool", str: "text", dt.date: "date", Any: "any", type(None): "null"}


def markdown() -> str:
    """The whole page."""
    parts: dict[type[Section], None] = {}
    sections = [
        f"## {path or 'The run as a whole'}\n{_doc(cls)}\n\n{_table(cls, parts)}" for path, cls in _sections(Settings)
    ]
    of_members = [
        f"### {each.name}\nKeys `candidates.members.{each.name}.settings.<key>`; in the leaderboard "
        f"`--with {each.name}.<key>=…`. {_doc(each.settings)}\n\n{_table(each.settings, parts)}"
        for each in members()
        if not each.section
    ]
    of_models = [
        f"### {each.name}\nKeys `models.settings.{each.name}.<key>`. {_doc(each.settings)}{_training(each.train)}\n\n"
        + _table(each.settings, parts)
        for each in MODELS
        if not each.section
    ]
    return "\n".join(
        [
            _HEAD,
            *sections,
            "## Settings of members\nThe retrieval family; what each member is: [models.md](models.md).\n",
            *of_members,
            "## Settings of models\nThe FNN's are the section [model](#model).\n",
            *of_models,
            "## Values with parts\n",
            *(f"### {_called(cls)}\n{_doc(cls)}\n\n{_table(cls, {})}" for cls in parts),
        ]
    )


def _sections(cls: type[Section], path: str = "") -> Iterator[tuple[str, type[Section]]]:
    """A class and those of the fields that are sections of the settings: they have no
    meaning of their own beside their class's.
    """
    yield path, cls
    for name, field in cls.model_fields.items():
        if _is_section(field):
            yield from _sections(field.annotation, f"{path}.{name}".strip("."))  # type: ignore[arg-type]


def _is_section(field: FieldInfo) -> bool:
    kind = field.annotation
    return isinstance(kind, type) and issubclass(kind, Section) and field.description is None


def _doc(cls: type[Section]) -> str:
    return _text(cls.__doc__ or "")


def _text(words: str) -> str:
    """One line of Markdown in which nothing is taken for a tag, emphasis or the end of a cell."""
    line = " ".join(words.split()).replace("|", "\\|")
    parts = line.split("`")  # every second one is code
    parts[::2] = [re.sub(r"(<(?=\w)|\*)", r"\\\1", part) for part in parts[::2]]
    return "`".join(parts)


def _training(train: Any) -> str:
    own = ", ".join(f"`{key}` {_value(value)}" for key, value in train.items())
    return f" Its training differs from [train](#train) in {own}." if own else ""


def _table(cls: type[Section], parts: dict[type[Section], None]) -> str:
    """A row for each field that is no section; classes of values that have fields of their own go to ``parts``."""
    lines = ["| key | type | default | range | meaning |", "|---|---|---|---|---|"]
    for name, field in cls.model_fields.items():
        if _is_section(field):
            continue
        cells = (name, _type(field.annotation, parts), _default(field), _range(field), field.description or "")
        lines.append("| " + " | ".join(map(_text, cells)) + " |")
    return "\n".join(lines) + "\n"


def _called(cls: type[Section]) -> str:
    return cls.__name__.removesuffix("Config")


def _type(kind: Any, parts: dict[type[Section], None]) -> str:
    """A type in words."""
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(args[0], parts)
    if origin is Literal:
        return " or ".join(f"`{each}`" for each in args)
    if origin in (Union, types.UnionType):
        return " or ".join(_type(each, parts) for each in args)
    if origin is tuple:
        return f"list of {_type(args[0], parts)}"
    if origin is dict:
        return f"{_type(args[0], parts)} → {_type(args[1], parts)}"
    if kind is Section:
        return "settings"
    if isinstance(kind, type) and issubclass(kind, Section):
        if kind.model_fields and "kind" not in kind.model_fields:
            parts.setdefault(kind)
            return f"[{_called(kind)}](#{_called(kind).lower()})"
        return "settings"
    return _NAMES[kind]


def _default(field: FieldInfo) -> str:
    value = field.get_default(call_default_factory=True, validated_data={})
    return "must be told" if value is PydanticUndefined else f"`{_value(value)}`"


def _value(value: Any) -> str:
    """A value as one would write it behind ``--set``."""
    if isinstance(value, Section):
        value = {k: v for k, v in value.model_dump().items() if v is not None}
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {_value(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(_value, value)) + "]"
    if isinstance(value, str):
        return value or '""'
    return f"{value:.4g}" if isinstance(value, float) else json.dumps(value)


def _range(field: FieldInfo) -> str:
    found = [
        f"{sign} {_value(getattr(m, name))}"
        for m in field.metadata
        for name, sign in _SIGNS.items()
        if hasattr(m, name)
    ]
    found += [f"at least {m.min_length}" for m in field.metadata if getattr(m, "min_length", None) is not None]
    found += [f"matches `{m.pattern}`" for m in field.metadata if getattr(m, "pattern", None)]
    return ", ".join(found)
