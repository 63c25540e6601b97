"""A registry of anything that has a name."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fuserank.common.errors import FuserankError
from fuserank.registry import Registry, loaded


@dataclass(frozen=True)
class Thing:
    name: str


def test_declarations_keep_their_order_and_are_found_by_name() -> None:
    things = Registry("thing", [Thing("b"), Thing("a")])
    assert things.names == ("b", "a")
    assert things["a"] == Thing("a")
    assert "c" not in things


def test_an_unknown_name_is_refused_with_the_nearest_and_all_others() -> None:
    things = Registry("thing", [Thing("popular"), Thing("repeat")])
    with pytest.raises(FuserankError, match=r"no thing 'populer'; did you mean 'popular'.*there are: popular, repeat"):
        things["populer"]


def test_a_name_is_declared_once() -> None:
    with pytest.raises(FuserankError, match="thing 'a' is declared twice"):
        Registry("thing", [Thing("a"), Thing("a")])


def test_what_a_declaration_names_is_imported_when_it_is_called() -> None:
    assert loaded("fuserank.registry:Registry") is Registry
