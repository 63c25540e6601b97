"""Items whose learned vectors are near that of one item."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.common.ids import normal_id
from fuserank.common.lookup import locate
from fuserank.registry.models import MODELS
from fuserank.registry.sources import SOURCES
from fuserank.tables.candidates import FACTORS, LEARNED
from fuserank.tables.silver import ITEM_DICTIONARY, ITEMS
from fuserank.tables.vectors import VECTORS
from fuserank.usecases.profile import unknown

if TYPE_CHECKING:
    import datetime as dt
    from collections.abc import Sequence

    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Rows

_PART = "item"  # of candidates.learned: vectors of items, whoever learned them


@dataclass(frozen=True)
class Near:
    """An item and the cosine of its vector with that of the item in question."""

    item: str
    name: str | None
    cosine: float


@dataclass(frozen=True)
class Similar:
    """``item`` and those near it, the nearest first, ties to the lower item_index; ``source``: whose vectors."""

    item: str
    name: str | None
    source: str
    near: list[Near]


def similar(reader: Rows, settings: Settings, wanted: str, k: int, source: str | None = None) -> Similar:
    """The ``k`` items nearest to one, by the vectors that a source or a model learned as of the day.

    :param source: None: of the sources and models of the settings the first whose vectors the lake has
    :raises FuserankError: the item is not known or has no vector, or no source has vectors of items; names the
        nearest ids, or the sources that have some
    """
    day, item = settings.as_of, normal_id(wanted) or ""
    found = reader.rows(ITEM_DICTIONARY, {"item_id": item, "deleted_at": None}, ("item_index",))
    if not found:
        raise FuserankError(unknown(reader, day, item, ITEM_DICTIONARY, "item"))
    source = _of(reader, settings, source)
    near = _nearest(reader, settings, [int(found[0]["item_index"])], k, source)
    if not near:
        raise FuserankError(f"item {item} has no vector of {source} as of {day}: nobody had taken it then")
    return near[0]


def near_items(reader: Rows, settings: Settings, items: Sequence[int], k: int) -> list[Similar]:
    """The same of several items by their index, of those that have vectors; none where the lake has no vectors."""
    names = _in_order(settings, _with_vectors(reader, settings.as_of))
    return _nearest(reader, settings, items, k, names[0]) if names and len(items) else []


def _nearest(reader: Rows, settings: Settings, items: Sequence[int], k: int, source: str) -> list[Similar]:
    index_N, vector_ND = _vectors(reader, settings.as_of, source)
    length_N = np.maximum(np.sqrt(np.einsum("nd,nd->n", vector_ND, vector_ND)), 1e-12)
    place_I, there_I = locate(index_N, np.asarray(items, np.int64))
    found = []
    for at in place_I[there_I].tolist():
        cosine_N = vector_ND @ vector_ND[at] / (length_N * length_N[at])
        cosine_N[at] = -np.inf
        order = np.lexsort((index_N, -cosine_N))[: min(k, len(index_N) - 1)]
        found.append((int(index_N[at]), index_N[order].tolist(), cosine_N[order].tolist()))
    ids, names = _named(reader, settings.as_of, sorted({i for one, near, _ in found for i in (one, *near)}))
    return [
        Similar(
            ids[one],
            names.get(ids[one]),
            source,
            [Near(ids[i], names.get(ids[i]), cosine) for i, cosine in zip(near, cosines, strict=True)],
        )
        for one, near, cosines in found
    ]


def _of(reader: Rows, settings: Settings, source: str | None) -> str:
    """The source or model that is named, or the first of the settings, whose vectors are there."""
    there = _with_vectors(reader, settings.as_of)
    if source is not None and source not in MODELS:
        source = SOURCES[source].name
    if source in there:
        return source
    if source is not None or not there:
        have = f"there are of {', '.join(there)}" if there else "no source there learns vectors, such as als or sasrec"
        more = f"; models.vectors=true writes those of {source}" if source in MODELS else ""
        raise FuserankError(f"no vectors of {source or 'items'} as of {settings.as_of} in this lake; {have}{more}")
    return _in_order(settings, there)[0]


def _in_order(settings: Settings, there: Sequence[str]) -> list[str]:
    """Those of the settings first, then the others."""
    own = [name for name in (*settings.candidates.sources, *settings.models.use) if name in there]
    return [*own, *(name for name in there if name not in own)]


def _with_vectors(reader: Rows, day: dt.date) -> list[str]:
    """Sources and models that have vectors of items as of the day, in the order in which they are declared. What
    members keep of items in one number, or in none, has no direction, and is no vector.
    """
    there: set[str] = set()
    if reader.exists(FACTORS) and reader.rows(FACTORS, {"as_of_date": day, "side": "item"}, ("index",), most=1):
        there |= {s.name for s in SOURCES if s.writes == FACTORS.name}
    if reader.exists(LEARNED):
        for name in (s.name for s in SOURCES if s.writes == LEARNED.name):
            found = reader.rows(LEARNED, {"as_of_date": day, "source": name, "part": _PART}, ("vector",), most=1)
            if found and len(found[0]["vector"]) > 1:
                there.add(name)
    if reader.exists(VECTORS):
        for kind in MODELS.names:
            if reader.rows(VECTORS, {"as_of_date": day, "kind": kind, "side": "item"}, ("index",), most=1):
                there.add(kind)
    return [name for name in (*SOURCES.names, *MODELS.names) if name in there]


def _vectors(reader: Rows, day: dt.date, source: str) -> tuple[np.ndarray, np.ndarray]:
    """item_index (N,), ascending, and vectors (N, D)."""
    if source in MODELS:
        table, where, column = VECTORS, {"kind": source, "side": "item"}, "vector"
    elif SOURCES[source].writes == FACTORS.name:
        table, where, column = FACTORS, {"side": "item"}, "factor"
    else:
        table, where, column = LEARNED, {"source": source, "part": _PART}, "vector"
    rows = reader.rows(table, {"as_of_date": day, **where}, ("index", column), ("index",))
    return np.array([r["index"] for r in rows], np.int64), np.array([r[column] for r in rows], np.float64)


def _named(reader: Rows, day: dt.date, index: list[int]) -> tuple[dict[int, str], dict[str, str]]:
    """Ids by index, and names by id where the catalogue has some."""
    found = reader.rows(ITEM_DICTIONARY, {"item_index": index}, ("item_index", "item_id"))
    ids = {int(r["item_index"]): str(r["item_id"]) for r in found}
    if not reader.exists(ITEMS):
        return ids, {}
    named = reader.rows(ITEMS, {"item_id": list(ids.values())}, ("item_id", "name"), known=day)
    return ids, {str(r["item_id"]): str(r["name"]) for r in named if r["name"] is not None}
