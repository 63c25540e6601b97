"""What there is of each kind: a source, a model, a connector is one declaration, and all others ask it.

A declaration is plain data. What it runs is named by ``module:attribute`` and imported when it is called, so a stage
that only asks for a colour or a reason loads neither numba nor torch.
"""

from __future__ import annotations

import difflib
import importlib
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Generic, Protocol, TypeVar

from fuserank.common.errors import FuserankError


class Declared(Protocol):
    """What every declaration has."""

    @property
    def name(self) -> str:
        """Unique among its kind; what settings and tables call it."""


T = TypeVar("T", bound=Declared)


class Registry(Generic[T]):
    """The declarations of one kind, in the order in which they were declared. ``renamed``: former name → name."""

    def __init__(self, kind: str, declared: Iterable[T], renamed: Mapping[str, str] | None = None) -> None:
        self.kind, self.renamed = kind, dict(renamed or {})
        self._by_name: dict[str, T] = {}
        for each in declared:
            self.add(each)

    def add(self, declaration: T) -> None:
        """Raises FuserankError where the name is taken."""
        if declaration.name in self._by_name:
            raise FuserankError(f"{self.kind} {declaration.name!r} is declared twice")
        self._by_name[declaration.name] = declaration

    def remove(self, name: str) -> None:
        """Takes a declaration out again: for tests that add one."""
        del self._by_name[name]

    @property
    def names(self) -> tuple[str, ...]:
        """All names, in the order of the declarations."""
        return tuple(self._by_name)

    def __iter__(self) -> Iterator[T]:
        return iter(self._by_name.values())

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    def __getitem__(self, name: str) -> T:
        """Raises FuserankError with the nearest name and all that there are."""
        if name in self.renamed:
            raise FuserankError(f"{self.kind} {name!r} is now {self.renamed[name]!r}")
        if name not in self._by_name:
            near = difflib.get_close_matches(name, self._by_name, 1)
            meant = f"; did you mean {near[0]!r}?" if near else ";"
            raise FuserankError(f"no {self.kind} {name!r}{meant} there are: {', '.join(self._by_name)}")
        return self._by_name[name]


def loaded(path: str) -> Any:
    """The object behind ``module:attribute``."""
    module, _, attribute = path.partition(":")
    return getattr(importlib.import_module(module), attribute)
