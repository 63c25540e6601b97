"""Every declared model passes the battery of tests/support/models.py."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fuserank.registry.models import MODELS, Model
from tests.support.models import CHECKS, World, scores_alike_in_onnx


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> World:
    return World.planted(tmp_path_factory.mktemp("planted"))


def cases() -> Iterator[object]:
    """Each model by each check; graphs of ONNX take seconds to make, so those of most models are proofs."""
    for name in MODELS.names:
        for check in CHECKS:
            dear = check is scores_alike_in_onnx and name not in ("fnn", "transformer")
            yield pytest.param(name, check, id=f"{name}-{check.__name__}", marks=[pytest.mark.proof] if dear else [])


@pytest.mark.parametrize(("name", "check"), cases())
def test_a_model(name: str, check: Callable[[Model, World], None], world: World) -> None:
    check(MODELS[name], world)
