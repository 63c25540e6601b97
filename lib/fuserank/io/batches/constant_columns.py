"""Columns that hold one value in all rows of some Parquet files, by what their footers say: no row is read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit


def constant_columns(urls: Iterable[str], names: Iterable[str]) -> tuple[str, ...]:
    """Those of ``names`` whose lowest value is the highest, over all files (``file://``
    URLs); none of which a footer is silent.
    """
    import pyarrow.parquet as pq

    wanted, held = list(names), dict[str, Any]()
    varied: set[str] = set()
    for url in urls:
        metadata = pq.ParquetFile(urlsplit(url).path).metadata
        for group in range(metadata.num_row_groups):
            columns = (metadata.row_group(group).column(k) for k in range(metadata.num_columns))
            statistics = {c.path_in_schema: c.statistics for c in columns}
            for name in wanted:
                stats = statistics.get(name)
                if (
                    stats is None
                    or not stats.has_min_max
                    or stats.null_count
                    or stats.min != stats.max
                    or held.setdefault(name, stats.min) != stats.min
                ):
                    varied.add(name)
    return tuple(name for name in wanted if name in held and name not in varied)
