"""Every declared model passes the battery of tests/support/models.py."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fuserank.registry.models import MODELS, Model
from tests.support.models import CHECKS, World


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.planted(tmp_path_factory.mktemp("planted"))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
@pytest.mark.parametrize("name", MODELS.names)
def test_a_model(name: str, check: Callable[[Model, World], None], world: World) -> None:
    check(MODELS[name], world)
