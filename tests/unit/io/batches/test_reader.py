"""Which reader trains: refused before anything runs where it is not there."""

from __future__ import annotations

import sys

import pytest

from fuserank.common.errors import FuserankError
from fuserank.io.batches.petastorm import refuse_missing_reader


def test_petastorm_that_is_not_installed_is_told_with_both_cures(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "petastorm", None)  # as where it is not installed
    with pytest.raises(FuserankError, match=r"extra petastorm .*or --set train\.reader=pyarrow"):
        refuse_missing_reader("petastorm")
    refuse_missing_reader("pyarrow")
