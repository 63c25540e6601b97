"""`make serve-fuzz`: each bound of each field, wrong types, fields more and fewer, no key; then at random.

What is drawn is the same in every run. Not collected with the tests, which run its first part by themselves
(test_schemathesis.py): schemathesis' plugin is loaded for it alone. SERVE_FUZZ: how much is drawn at random for each
operation (0: nothing).
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.openapi_cases import Place, answered, placed, schema

EXAMPLES = int(os.environ.get("SERVE_FUZZ", "200"))
SCHEMA = schema(EXAMPLES > 0)
DRAWN = settings(
    max_examples=max(EXAMPLES, 1),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with placed(tmp_path_factory.mktemp("fuzz")) as place:
        yield place


@SCHEMA.parametrize()
@DRAWN
def test_any_request_is_answered_by_the_schema(case: Any, service: Place) -> None:
    answered(case, service)
