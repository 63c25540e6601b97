"""kg: walks on a knowledge graph of items, users and the values of what they are; each path can be told as a reason.

P(j | u) = Σ_paths w_p Σ_v P_p(v | u) P_p(j | v), a mixture of random walks along paths of one kind
each (Lao and Cohen 2010, "Relational retrieval using a combination of path-constrained random
walks", who mix by logistic regression):

* ``item f``: history → value of field f → item. P(v | u) ∝ Σ_(i in H with v) weight · 2^(−age / half-life) · items of
  v^−value_power; P(j | v) ∝ (n_j + smoothing)^popularity_power over the items that have v, n_j: users of j, the
  recent more; above 0 for items that nobody took yet.
* ``user f`` where items have f too (the campaigns that a user was sent): user → value → item, the same P(j | v).
* ``user f`` else (age, income, …): user → value → users who have it → their items.
* ``took``: history → users who took it → their items (P³; Cooper et al. 2014).
* ``prior``: P(j) ∝ (n_j + smoothing)^popularity_power, so that every item has a score.

The weights come from the pairs alone: the youngest of each user are held back, walks go over the rest, and the
weights are those under which the held ones are likeliest (kg_graph.mixed). Then walks go over all pairs.

Values are numbered by their place in ``content.values(side, [field])``; a path's name holds the field's.
Shapes: U users, I items, V values of a field, B users of a block, N rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.kg_graph import ITEM, TOOK, USER, Graph, mixed

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.content import Content
    from fuserank.learning.recommenders.settings_content import KgConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256
Ints = npt.NDArray[np.int32]
_MOST_HELD = 20_000  # pairs that weights are learned from; a dozen weights need no more
_COUNT, _WEIGHT = "count", "weight "


def learn(pairs: Interactions, cfg: KgConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Edges: ``count`` item → 0 (users, the recent more), ``item f`` item → value, ``user f`` user → value, ``took``
    user → item (how recent), and ``weight p`` 0 → 0 of each path; ``block`` must be the only one.
    """
    if not pairs.weight.nnz or pairs.content is None:
        return
    weight = _weights(pairs, cfg, seed)
    graph = _graph(pairs, pairs.content, cfg)
    none = np.zeros(len(graph.items), np.int32)
    yield from state.edges(_COUNT, graph.items, none, graph.count_I)
    for name, has in graph.has.items():
        yield from state.entries(ITEM + name, graph.items, np.arange(has.shape[1]), has)
    for name, (users, values) in graph.attributes.items():
        yield from state.entries(USER + name, users, np.arange(values.shape[1]), values)
    yield from state.entries(TOOK, graph.users, graph.items, graph.took)
    for name, value in weight.items():
        yield from state.edges(_WEIGHT + name, none[:1], none[:1], np.array([value]))


def _graph(pairs: Interactions, content: Content, cfg: KgConfig, items: Ints | None = None) -> Graph:
    """Of all items that ``pairs`` or ``content`` know."""
    import scipy.sparse as sp

    items = np.union1d(pairs.items, content.indices("item")).astype(np.int32) if items is None else items
    at = locate(items, pairs.items)[0].astype(np.int32)
    lately = np.ones(pairs.age.nnz)
    if cfg.popularity_half_life is not None and pairs.age.nnz:
        lately = np.exp2((pairs.age.data.min() - pairs.age.data) / cfg.popularity_half_life)
    shape = (len(pairs.users), len(items))
    took = sp.csr_matrix((lately.astype(np.float32), at[pairs.age.indices], pairs.age.indptr), shape=shape)
    count_I: npt.NDArray[np.float64] = np.bincount(took.indices, lately, len(items)).astype(np.float64)
    has, names = {}, {}
    for name in content.fields("item"):
        values = content.values("item", [name], items)
        has[name], names[name] = values.has, values.value
    attributes = {}
    for name in content.fields("user"):
        values = content.values("user", [name])
        own = values.has
        if name in names:  # in the numbers that the items' values have
            place = {text: n for n, text in enumerate(names[name])}
            shared = [(n, place[text]) for n, text in enumerate(values.value) if text in place]
            old, new = (np.array([pair[side] for pair in shared], np.int32) for side in (0, 1))
            turn = sp.csr_matrix((np.ones(len(shared), np.float32), (old, new)), shape=(own.shape[1], len(place)))
            own = (own @ turn).tocsr()
        attributes[name] = (values.index, own)
    return Graph(items, count_I, has, attributes, pairs.users, took, cfg)


def _weights(pairs: Interactions, cfg: KgConfig, seed: int) -> dict[str, float]:
    """By path, from pairs held back."""
    assert pairs.content is not None
    age, rng = pairs.age, np.random.default_rng(seed)
    size_U = np.diff(age.indptr)
    user_N = np.repeat(np.arange(len(size_U)), size_U)
    order = np.lexsort((rng.random(age.nnz), age.data, user_N))
    place_N = np.empty(age.nnz, np.int64)
    place_N[order] = np.arange(age.nnz) - age.indptr[:-1][user_N]
    held = place_N < np.minimum(np.ceil(size_U * cfg.held_back), size_U - 1)[user_N]
    items = np.union1d(pairs.items, pairs.content.indices("item")).astype(np.int32)
    train = Interactions(pairs.users, pairs.items, _only(pairs.weight, ~held), _only(pairs.age, ~held))
    graph = _graph(train, pairs.content, cfg, items)
    drawn = np.sort(rng.permutation(np.flatnonzero(held))[:_MOST_HELD])
    at = locate(items, pairs.items)[0]
    row_N, item_N = user_N[drawn], at[age.indices[drawn]]
    wide = _widened(train.decayed(cfg.half_life), at, len(items))
    found = [np.empty((0, len(graph.paths)))]
    users = np.unique(row_N)
    for low in range(0, len(users), USERS_AT_ONCE):
        some = users[low : low + USERS_AT_ONCE]
        mine = slice(np.searchsorted(row_N, some[0]), np.searchsorted(row_N, some[-1], "right"))
        rows = np.searchsorted(some, row_N[mine])
        found.append(graph.probabilities(pairs.users[some], wide[some], rows, item_N[mine]))
    return dict(zip(graph.paths, mixed(np.concatenate(found)).tolist(), strict=True))


def _only(matrix: sp.csr_matrix, mask_N: npt.NDArray[np.bool_]) -> sp.csr_matrix:
    """The entries that are kept."""
    import scipy.sparse as sp

    ends = np.concatenate([[0], np.cumsum(mask_N)])[matrix.indptr]
    return sp.csr_matrix((matrix.data[mask_N], matrix.indices[mask_N], ends), shape=matrix.shape)


def _widened(matrix: sp.csr_matrix, at: npt.NDArray[np.int64], columns: int) -> sp.csr_matrix:
    """The matrix with its column c at ``at[c]``."""
    import scipy.sparse as sp

    return sp.csr_matrix((matrix.data, at[matrix.indices], matrix.indptr), shape=(matrix.shape[0], columns))


class Paths(NamedTuple):
    """The strongest path to each of N listed items: item_index of the own item (−1: none; the user
    has the value), the field's name, the value's number, and its part in the score; an empty name
    where no path through a value leads there.

    A sentence needs no more: own and listed item have the same value of the field,
    which the catalogue tells by its text.
    """

    own: Ints
    field: list[str]
    value: Ints
    part: npt.NDArray[np.float32]


class Scorer:
    """Scores all items that the fit knew, sold or not, of users with a history or values of their own."""

    def __init__(self, rows: State, cfg: KgConfig) -> None:
        self.items, _, count_I = rows.edges(_COUNT)
        self.cfg = cfg
        if not len(self.items):
            return
        users, _, took = rows.matrix(TOOK, other=self.items)
        has, attributes = {}, {}
        for name in rows.parts(ITEM):
            values = np.arange(rows.edges(ITEM + name)[1].max() + 1)
            has[name] = rows.matrix(ITEM + name, self.items, values)[2]
        for name in rows.parts(USER):
            values = np.arange(has[name].shape[1] if name in has else rows.edges(USER + name)[1].max() + 1)
            index, _, own = rows.matrix(USER + name, other=values)
            attributes[name] = (index, own)
        self.graph = Graph(self.items, count_I.astype(np.float64), has, attributes, users, took, cfg)
        self.weight = {name: float(rows.edges(_WEIGHT + name)[2][0]) for name in rows.parts(_WEIGHT)}

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: mass that reaches an item by the graph's paths, from the user and from the
        history; no list where both are unknown.
        """
        if not len(self.items):
            return best_dense(np.zeros((len(histories.users), 0), np.float32), None, k)
        masses = self.graph.masses(histories.users, histories.decayed(self.cfg.half_life))
        scores_BI = self.graph.scores(masses, self.weight)
        known_B = np.any([np.diff(mass.indptr) > 0 for mass in masses.values()], axis=0)
        known_B |= np.diff(histories.weight.indptr) > 0
        scores_BI[~known_B] = -np.inf
        return best_dense(scores_BI, histories.ones if exclude_seen else None, k)

    def paths(self, histories: Interactions, row: Ints, column: Ints) -> Paths:
        """The best reason why ``column`` (N,) of ``items`` is listed for ``row`` (N,) of ``histories``.

        Of all paths through values, the one with the largest part weight · P(v | u) · P(j | v); its own item is the
        one that brought most to the value. Ties go to the earlier field, the lower value and the lower item. Paths
        over other users (``took``), age and income are no reason.
        """
        history = histories.decayed(self.cfg.half_life)
        masses = self.graph.masses(histories.users, history)
        paths = Paths(
            np.full(len(row), -1, np.int32),
            [""] * len(row),
            np.full(len(row), -1, np.int32),
            np.zeros(len(row), np.float32),
        )
        for name, mass in masses.items():
            side, key = name[: len(ITEM)], name[len(ITEM) :]
            if name == TOOK or key not in self.graph.has:
                continue
            both = (self.graph.spread[name][column].multiply(mass[row]) * self.weight[name]).tocsr()
            both.sort_indices()
            damped = self.graph.damped(key).tocsc() if side == ITEM else None
            for n in range(len(row)):
                parts = both.data[both.indptr[n] : both.indptr[n + 1]]
                if len(parts) and parts.max() > paths.part[n]:
                    value = both.indices[both.indptr[n] + int(parts.argmax())]
                    paths.field[n], paths.value[n], paths.part[n] = key, value, parts.max()
                    own = -1 if damped is None else _strongest(history[row[n]], damped[:, [value]])
                    paths.own[n] = -1 if own < 0 else self.items[own]
        return paths


def _strongest(history_1I: sp.csr_matrix, damped_I1: sp.csc_matrix) -> int:
    """The column of the history's entry that brings most to a value."""
    brought = history_1I.multiply(damped_I1.T).tocsr()
    brought.sort_indices()
    return int(brought.indices[int(brought.data.argmax())]) if brought.nnz else -1
