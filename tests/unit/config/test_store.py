"""Settings of the online store."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fuserank.config.store import StoreConfig


def test_segments_are_of_columns_that_users_have() -> None:
    assert StoreConfig().segments == "auto"
    assert StoreConfig(segments=["age", "attribute_2"]).segments == ("age", "attribute_2")
    assert StoreConfig(segments=()).segments == ()
    for wrong, words in (
        (["shoe"], "users have no column 'shoe'; there are: age, income"),
        (["number_1"], "users have no column 'number_1'"),
        (["age", "age"], "a column is there twice"),
        ("age", "valid tuple"),
    ):
        with pytest.raises(ValidationError, match=words):
            StoreConfig(segments=wrong)
