"""Values that stand in a file's path as Hive writes them: day=2024-01-05/shop=k%C3%B6ln/part-0.parquet."""

from __future__ import annotations

import hashlib
from collections.abc import Collection
from urllib.parse import unquote

NO_VALUE = "__HIVE_DEFAULT_PARTITION__"


def partition_values(name: str) -> dict[str, str | None]:
    """Column → value (None: it has none) of a file's name under its root; the folder nearest
    to the file counts where one comes twice.
    """
    found: dict[str, str | None] = {}
    for part in name.split("/")[:-1]:
        column, equals, value = part.partition("=")
        if equals and column:
            found[unquote(column)] = None if value == NO_VALUE else unquote(value)
    return found


def hash_with_path(content_hash: str, name: str, declared: Collection[str]) -> str:
    """The identity of a file: the hash of its bytes, together with the declared values of its path, as the files of
    two days may have the same bytes.
    """
    values = {c: v for c, v in partition_values(name).items() if c in declared}
    return hashlib.sha256(repr((content_hash, sorted(values.items()))).encode()).hexdigest() if values else content_hash
