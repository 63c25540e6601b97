"""deploy/kubernetes, deploy/airflow and deploy/databricks are what is rendered of the example."""

from __future__ import annotations

import pytest

from fuserank.cli.render import SURFACES, rendered
from tests.support.golden import ROOT, SERVED, assert_golden, example

RENDERED = sorted(set(SURFACES) - {"submit"})


@pytest.mark.parametrize("surface", RENDERED)
def test_committed_files_are_the_rendered_ones(surface: str) -> None:
    env = "databricks" if surface == "databricks" else "cluster"
    more = SERVED if surface == "kubernetes" else ()
    assert_golden(ROOT / "deploy" / surface, rendered(surface, example(*more, env=env)))
