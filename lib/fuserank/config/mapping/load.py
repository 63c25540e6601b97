"""A mapping read from its file, or refused with a line for each key."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import ValidationError

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.checks import problems
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.texts import message_of
from fuserank.config.places import mapping_file, no_mapping, read_yaml


class MappingError(FuserankError):
    """A mapping is wrong; a line for each key, told by file and path."""


def parse_dataset(raw: dict[str, Any], file: str) -> DatasetConfig:
    """The mapping, or a MappingError with a line for each key that is wrong, told by its path."""
    try:
        mapping = DatasetConfig.model_validate(raw)
    except ValidationError as problem:
        lines = []
        for error in problem.errors():
            path, message = ".".join(str(part) for part in error["loc"]), message_of(error)
            lines += [f"{file}: {path}: {message}"] if path else [f"{file}: {line}" for line in message.splitlines()]
        raise MappingError("\n".join(lines)) from problem
    if found := problems(mapping):
        raise MappingError("\n".join(f"{file}: {line}" for line in "\n".join(found).splitlines()))
    return mapping


def load_dataset(name: str, folder: Path | None = None) -> DatasetConfig:
    """conf/datasets/<name>.yaml of the project, else of what ships; the file's name
    and the mapping's `name` must agree.
    """
    path = folder / f"{name}.yaml" if folder else mapping_file(name)
    if path is None:
        raise no_mapping(name)
    mapping = parse_dataset(read_yaml(path), path.name)
    if mapping.name != name:
        raise MappingError(f"{path.name}: name: {mapping.name!r} is not the file's name; write name: {name}")
    return mapping
