"""A kernel over whole users: rows of ``user_facts`` in, samples out, in the columns of the contract."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.common.shards import PACKED, laid_out, packed, tasks
from fuserank.common.streams import Packed
from fuserank.common.users import whole_users
from fuserank.stages.samples import user_facts as t
from fuserank.stages.samples.affinity import Factors, Neighbours
from fuserank.stages.samples.catalogue import ITEM_COLUMNS, STORE_COLUMNS, Catalogue
from fuserank.tables.features import HISTORY, KINDS
from fuserank.tables.samples import CATEGORICAL, NUMERICS, SAMPLES, SHARDS

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame

Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
COLUMNS = tuple(c for c in SAMPLES.columns if c.name not in ("as_of_date", "split", "run_id"))
_DTYPES: dict[str, type] = {"int": np.int32, "long": np.int64, "float": np.float32}


def encoded(
    fact_rows: DataFrame,
    load_catalogue: Callable[[], Catalogue],
    load_item_factors: Callable[[], pa.Table],
    load_neighbours: Callable[[], pa.Table],
    minor_per_major: int,
    shards: int = SHARDS,
    partitions: int = 2,
) -> Packed:
    """Rows of ``user_facts.facts_by_user`` → the columns of samples.samples but as_of_date, split and run_id, each row
    in its shard.

    Loaders run on executors: item factors (index, factor) sorted by index, neighbours (item_index, neighbour_index,
    similarity) sorted.
    """
    kernel = _Encode(load_catalogue, load_item_factors, load_neighbours, minor_per_major, shards)
    schema = ", ".join(f"{c.name} {c.type}" for c in COLUMNS)
    return laid_out(fact_rows.mapInArrow(kernel, PACKED), schema.replace(" long", " bigint"), tasks(shards, partitions))


def samples_of(
    facts: pa.Table, catalogue: Catalogue, item_factors: pa.Table, neighbours: pa.Table, minor_per_major: int
) -> pa.Table:
    """The samples of some whole users in one process; position and shard are those of their facts.

    :param facts: rows of ``user_facts``, in any order
    :param item_factors: index, factor
    :param neighbours: item_index, neighbour_index, similarity
    """
    import pyarrow as pa

    kernel = _Encode(None, None, None, minor_per_major, SHARDS)
    with np.errstate(divide="ignore", invalid="ignore"):
        found = kernel.samples(UserFacts(facts), catalogue, Factors.of(item_factors), Neighbours(neighbours))
        return pa.Table.from_batches(found)


class _Encode:
    def __init__(self, catalogue: Any, item_factors: Any, neighbours: Any, minor_per_major: int, shards: int) -> None:
        self.loaders = (catalogue, item_factors, neighbours)
        self.minor_per_major, self.shards = minor_per_major, shards

    def __call__(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        from threadpoolctl import threadpool_limits

        catalogue, factors, near = (load() for load in self.loaders)
        near, items = Neighbours(near), Factors.of(factors)
        with threadpool_limits(1), np.errstate(divide="ignore", invalid="ignore"):
            for table in whole_users(batches):
                yield from packed(self.samples(UserFacts(table), catalogue, items, near))

    def samples(
        self, facts: UserFacts, catalogue: Catalogue, items: Factors, near: Neighbours
    ) -> Iterator[pa.RecordBatch]:
        """The samples of some users, sorted by (user_index, item_index)."""
        import pyarrow as pa

        user_R, item_R, key_R3 = facts.rows(t.KEY, 3)
        if len(user_R) == 0:
            return
        pair_R = _pair(user_R, item_R)
        own_user, own_item, own_NF = facts.rows(t.OWN, len(t.PAIR_COLUMNS))
        own_RF, bought = _looked_up(_pair(own_user, own_item), own_NF, pair_R)
        users, store_U, user_UF = facts.rows(t.USER, len(t.USER_COLUMNS) + len(t.USER_BUCKETS) + len(HISTORY))
        user_RF, _ = _looked_up(users, user_UF, user_R)
        store_R = _looked_up(users, store_U[:, None].astype(np.int64), user_R, 0)[0][:, 0]
        at_R, in_catalogue = locate(catalogue.item_I, item_R)
        item = _named("item", _of_known(catalogue.number_IF, at_R, in_catalogue, np.nan), ITEM_COLUMNS)
        rank_score = {s: _looked_up(*facts.by_pair(number, 2), pair_R)[0] for s, number in t.SOURCE_NUMBERS.items()}
        weight = np.log1p(np.nan_to_num(own_NF[:, t.PAIR_COLUMNS.index("decayed_30d_count")]))
        known = {
            "setting.minor_per_major": np.float64(self.minor_per_major),
            **_named("pair", own_RF, t.PAIR_COLUMNS),
            **self._attributes(facts, catalogue, user_R, at_R, in_catalogue),
            **item,
            **_named("user", user_RF, t.USER_COLUMNS),
            **_named("store", _in_store(catalogue, store_R, item_R), STORE_COLUMNS),
            **{f"rank.{s}": v[:, 0] for s, v in rank_score.items()},
            "near.als_dot": facts.factors().dots(user_R, items, item_R),
            "near.co_purchase": near.sums((own_user, own_item, weight), user_R, item_R),
        }
        made: dict[str, npt.NDArray[Any]] = {
            "position": key_R3[:, 0],
            "shard": key_R3[:, 0] % self.shards,
            "label": key_R3[:, 1],
            "weight": key_R3[:, 2],
            "user_index": user_R,
            "item_index": item_R,
            "bought_before": bought,
            **{one.name: one.formula.of(known) for one in NUMERICS},
            **_columns(user_RF[:, len(t.USER_COLUMNS) :], (*t.USER_BUCKETS, *HISTORY)),
            **{f"{s}_rank": v[:, 0] for s, v in rank_score.items()},
            **{f"{s}_score": v[:, 1] for s, v in rank_score.items()},
        }
        buckets_RC = _of_known(catalogue.bucket_IC, at_R, in_catalogue, 0)
        made |= {name: buckets_RC[:, k] for k, (name, _) in enumerate(CATEGORICAL[: buckets_RC.shape[1]])}
        yield pa.RecordBatch.from_arrays(
            [pa.array(_filled(c.name, made[c.name]).astype(_DTYPES[c.type])) for c in COLUMNS],
            [c.name for c in COLUMNS],
        )

    def _attributes(
        self, facts: UserFacts, catalogue: Catalogue, user_R: Longs, at_R: Longs, known_R: npt.NDArray[np.bool_]
    ) -> dict[str, Doubles]:
        value_RK = _of_known(catalogue.attribute_IK, at_R, known_R, -1)
        by_kind: dict[str, Doubles] = {}
        for k, kind in enumerate(KINDS):
            pair, values = facts.by_pair(t.ATTRIBUTE_NUMBERS[kind], len(t.ATTRIBUTE_COLUMNS))
            wanted = np.where(value_RK[:, k] >= 0, _pair(user_R, value_RK[:, k]), -1)
            by_kind |= _named(kind, _looked_up(pair, values, wanted)[0], t.ATTRIBUTE_COLUMNS)
        return by_kind


class UserFacts:
    """Rows of ``user_facts`` of some users, taken apart by kind, each sorted by (user_index, key)."""

    def __init__(self, table: pa.Table) -> None:
        user, what, key = (table[n].to_numpy().astype(np.int64) for n in ("user_index", "what", "key"))
        order = np.lexsort((key, user, what))
        self.user, self.what, self.key = user[order], what[order], key[order]
        lists = table["numbers"].combine_chunks()
        lists = lists.chunk(0) if hasattr(lists, "chunk") else lists
        offsets = lists.offsets.to_numpy()
        self.numbers = lists.flatten().to_numpy()
        self.starts = (offsets[:-1] - offsets[0])[order].astype(np.int64)
        self.lengths = np.diff(offsets)[order]

    def rows(self, what: int, width: int) -> tuple[Longs, Longs, Doubles]:
        """user (N,), key (N,) and numbers (N, width) of a kind."""
        part = slice(*np.searchsorted(self.what, [what, what + 1]))
        at = self.starts[part][:, None] + np.arange(width)
        return self.user[part], self.key[part], self.numbers[at]

    def by_pair(self, what: int, width: int) -> tuple[Longs, Doubles]:
        """user << 32 | key (N,) ascending, and numbers (N, width)."""
        user, key, numbers = self.rows(what, width)
        return _pair(user, key), numbers

    def factors(self) -> Factors:
        """The users' ALS factors."""
        part = slice(*np.searchsorted(self.what, [t.FACTOR, t.FACTOR + 1]))
        if part.start == part.stop:
            return Factors(np.zeros(0, np.int64), np.zeros((0, 1), np.float32))
        width = int(self.lengths[part.start])  # all factors have one
        user, _, numbers = self.rows(t.FACTOR, width)
        return Factors(user, numbers.astype(np.float32))


def _columns(values_RF: npt.NDArray[Any], names: tuple[str, ...]) -> dict[str, Doubles]:
    """Columns of a matrix by name."""
    return {name: values_RF[:, k] for k, name in enumerate(names)}


def _named(of: str, values_RF: npt.NDArray[Any], names: tuple[str, ...]) -> dict[str, Doubles]:
    """The same, as formulas name them."""
    return _columns(values_RF, tuple(f"{of}.{name}" for name in names))


def _pair(user: Longs, key: Longs) -> Longs:
    """user << 32 | key, for keys of 0 … 2^32 − 1."""
    pair: Longs = (user << 32) | key
    return pair


def _filled(name: str, values: npt.NDArray[Any]) -> npt.NDArray[Any]:
    default = _DEFAULTS.get(name, 0.0)
    return np.where(np.isnan(values), default, values) if values.dtype.kind == "f" else values


def _of_known(values_NF: npt.NDArray[Any], at_R: Longs, known_R: npt.NDArray[np.bool_], nothing: float) -> Any:
    """Rows of a matrix, ``nothing`` where the place is not known."""
    if len(values_NF) == 0:
        return np.full((len(at_R), values_NF.shape[1]), nothing, values_NF.dtype)
    found = values_NF[at_R]
    found[~known_R] = nothing
    return found


def _looked_up(
    sorted_N: Longs, values_NF: npt.NDArray[Any], wanted_R: Longs, nothing: float = np.nan
) -> tuple[Any, npt.NDArray[np.bool_]]:
    at, known = locate(sorted_N, wanted_R)
    return _of_known(values_NF, at, known, nothing), known


def _in_store(catalogue: Catalogue, store_R: Longs, item_R: Longs) -> Doubles:
    place, known = locate(catalogue.store_S, store_R)
    wanted = np.where(known, _pair(place, item_R), -1)
    found: Doubles = _looked_up(catalogue.store_item_M, catalogue.number_MF, wanted)[0]
    return found


# What a column holds where nothing is known: the contract's defaults, −1 in the history, 0 elsewhere.
_DEFAULTS = {**{n.name: n.default for n in NUMERICS}, **dict.fromkeys(HISTORY, -1)}
