"""What a service needs before it answers: the store, the rules, the age of a snapshot."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from fuserank.common.errors import FuserankError
from fuserank.serving.recommend.rules import Rules
from fuserank.serving.store.lmdb_store import LmdbStore
from fuserank.serving.store.snapshot import MANIFEST, place_of

if TYPE_CHECKING:
    from fuserank.serving.store.contract import Store

REDIS = ("redis://", "rediss://", "unix://")
_REDIS_SECONDS = 1.0  # what a request waits for Redis at most, twice


def opened(place: str, surface: str) -> Store:
    """The store in a folder, or below redis://host:6379/0 (rediss:// with TLS, unix:// by a socket).

    :raises FuserankError: it holds nothing that can be served
    """
    if not place.startswith(REDIS):
        return LmdbStore(place, surface)
    from fuserank.serving.store.redis_store import RedisStore, connected

    return RedisStore(connected(place, _REDIS_SECONDS), surface)


def written(place: str, store: Store) -> Callable[[], float]:
    """When the snapshot that answers was written, in seconds since 1970; in Redis its day, which all servers see."""

    def of_folder() -> float:
        manifest = store.manifest
        try:
            return (place_of(Path(place), manifest.surface) / manifest.name / MANIFEST).stat().st_mtime
        except OSError:  # removed below us, as a problem of the store says
            return of_day()

    def of_day() -> float:
        return dt.datetime.fromisoformat(store.manifest.as_of_date).replace(tzinfo=dt.UTC).timestamp()

    return of_day if place.startswith(REDIS) else of_folder


def rules(path: str | None) -> Rules:
    """The rules of a file; None: there are none.

    :raises FuserankError: the file is not there, or says what no rule says
    """
    from fuserank.config import yaml_text

    if path is None:
        return Rules()
    try:
        parsed: Any = yaml_text.parse(Path(path).read_text(encoding="utf-8"))
        unknown = sorted(set(parsed or {}) - {f.name for f in msgspec.structs.fields(_Checked)})
        if unknown:
            raise FuserankError(f"file of rules {path}: there is no rule {', '.join(map(str, unknown))}")
        return Rules(**_fields(msgspec.convert(parsed or {}, _Checked, strict=False)))
    except (OSError, UnicodeDecodeError, ValueError, TypeError) as problem:
        raise FuserankError(f"file of rules {path} cannot be read: {problem}") from None


class _Checked(msgspec.Struct):
    """Fields of Rules, as a file has them."""

    hidden: frozenset[str] = frozenset()
    allowed: frozenset[str] | None = None
    out_of_stock: frozenset[str] = frozenset()
    pinned: dict[str, dict[int, str]] = {}
    max_per: dict[str, int] = {}


def _fields(of: _Checked) -> dict[str, Any]:
    return {name: getattr(of, name) for name in of.__struct_fields__}
