"""Settings of the session for the time of a write."""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

# Settings of the session, and what each write that holds one found there: the first one found what stood before.
_SETTING, _FOUND = threading.Lock(), defaultdict[str, list[str | None]](list)


@contextmanager
def written_by(spark: SparkSession, settings: dict[str, str]) -> Iterator[None]:
    """Within the body, the session writes by these settings.

    It is shared by all threads, so the last write that holds a setting puts back what stood before.
    """
    with _SETTING:
        for key, value in settings.items():
            _FOUND[key].append(spark.conf.get(key, None))
            spark.conf.set(key, value)
    try:
        yield
    finally:
        with _SETTING:
            for key in settings:
                before = _FOUND[key].pop()
                if _FOUND[key]:
                    continue
                if before is None:
                    spark.conf.unset(key)
                else:
                    spark.conf.set(key, before)
