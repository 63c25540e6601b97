"""Tests of this room are about tables in files."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fuserank.io.lake.lake import Lake


@pytest.fixture
def lake(delta_lake: Lake) -> Lake:
    return delta_lake
