"""segment_popularity: what is popular among users like this one.

A user is in a segment by each attribute (unknown is a value, too) and, for each field of the items, by the value in
which the history stands out most: the largest (n_uv − n_u p_v) / √(n_u p_v), takings above what the value's share of
all would give, in standard deviations. A segment's popularity is drawn to that of all (empirical Bayes: the mean of a
multinomial with a Dirichlet prior of m takings; Gelman et al. 2013, "Bayesian Data Analysis", section 3.4), and what
segments say beyond it is multiplied, as if they were independent:

    score of j = ln p_j + Σ_s w_s ln ((n_sj + m p_j) / (n_s + m) / p_j)
               = ln p_j + Σ_s w_s ln(1 + n_sj / (m p_j)) + the same for all j

m of the segments of one field, where it is not set, is from their spread: χ² of s has the mean (J − 1)(1 +
(n_s − 1) / (m + 1)), J items (from the covariance of the compound multinomial; Mosimann 1962). Without history
and attributes, the order is that of p_j.

Shapes: U users, I items, S segments, B users of a block.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from fuserank.common.lookup import locate
from fuserank.learning.recommenders import state
from fuserank.learning.recommenders.best import Best, best_dense

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.content import Content
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_content import SegmentPopularityConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 128
_LITTLE = 1e-12  # p of what was taken so long ago that nothing is left of it
_MOST = 1e6  # m, where segments differ by no more than chance
Ints = npt.NDArray[Any]
Doubles = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Segments:
    """field_S, numbered, those of users first; share_S: p_v, 0 of a field of users; unknown_S: whether it is that of
    users without a value of its field. attribute (N, S): ones of the ``users`` (N,); value (I, S): ones of the items.
    """

    field_S: Ints
    share_S: Doubles
    unknown_S: npt.NDArray[np.bool_]
    users: Ints
    attribute: sp.csr_matrix
    value: sp.csr_matrix

    @classmethod
    def of(cls, pairs: Interactions, overall_I: Doubles, cfg: SegmentPopularityConfig) -> Segments:
        """All of the content of ``pairs``; ``overall_I``: p_j."""
        import scipy.sparse as sp

        content = pairs.content
        assert content is not None
        fields = [f for f in content.fields("user") if f not in cfg.without]
        of_users = content.values("user", fields)
        of_items = content.values("item", _narrow(content, cfg), pairs.items)
        names = [*((0, f) for f in fields), *((0, f) for f in of_users.field), *((1, f) for f in of_items.field)]
        number = {name: n for n, name in enumerate(sorted(set(names)))}
        user_values, item_values = of_users.has.tocoo(), of_items.has.tocoo()
        shape = len(names) - len(of_items.field)
        attribute = sp.csr_matrix(
            (user_values.data, (user_values.row, len(fields) + user_values.col)), (len(of_users.index), len(names))
        )
        value = sp.csr_matrix(
            (item_values.data, (item_values.row, shape + item_values.col)), (len(pairs.items), len(names))
        )
        field_S, segment = np.array([number[name] for name in names], np.int64), np.arange(len(names))
        return cls(field_S, value.T @ overall_I, segment < len(fields), of_users.index, attribute, value)

    def members(self, histories: Interactions, half_life: float | None) -> sp.csr_matrix:
        """Which segments the users of ``histories`` are in (B, S); unknown ones in none."""
        import scipy.sparse as sp

        at, known = locate(self.users, histories.users)
        rows = (known.astype(np.float64), np.where(known, at, 0), np.arange(len(at) + 1))
        attribute = sp.csr_matrix(rows, (len(at), max(len(self.users), 1)))[:, : len(self.users)] @ self.attribute
        standing_out = self._standing_out(histories.decayed(half_life, weighted=False) @ self.value)
        described_B = (np.diff(attribute.indptr) > 0) | (np.diff(histories.weight.indptr) > 0)
        unknown = np.flatnonzero(self.unknown_S)  # segment n of field n
        ones_S, shape = np.ones(len(self.field_S)), (len(self.field_S), int(self.field_S.max(initial=0)) + 1)
        of_field = sp.csr_matrix((ones_S, (np.arange(len(self.field_S)), self.field_S)), shape)
        has_BF = (attribute @ of_field).toarray()[:, : len(unknown)] > 0
        row, column = np.nonzero(described_B[:, None] & ~has_BF)
        nothing = sp.csr_matrix((np.ones(len(row)), (row, unknown[column])), attribute.shape)
        return (attribute + nothing + standing_out).tocsr()

    def _standing_out(self, taken: sp.csr_matrix) -> sp.csr_matrix:
        """Of each row and field the value that stands out most, ties to the first; ``taken``: n_uv."""
        import scipy.sparse as sp

        row, column, n = np.repeat(np.arange(taken.shape[0]), np.diff(taken.indptr)), taken.indices, taken.data
        cell = row * (int(self.field_S.max(initial=0)) + 1) + self.field_S[column]
        whole = np.bincount(self.field_S, self.share_S)[self.field_S[column]]
        expected = np.bincount(cell, n)[cell] * self.share_S[column] / whole if len(cell) else n
        order = np.lexsort((column, -(n - expected) / np.sqrt(expected), cell))
        first = order[np.unique(cell[order], return_index=True)[1]]
        return sp.csr_matrix((np.ones(len(first)), (row[first], column[first])), taken.shape)


def learn(
    pairs: Interactions, cfg: SegmentPopularityConfig, seed: int, block: tuple[int, int]
) -> Iterator[pa.RecordBatch]:
    """Vectors of part ``item``, without length, value: p_j; of part ``segment``: (field, p_v, unknown,
    w_s). Edges of part ``popular``: segment → item, ln(1 + n_sj / (m p_j)); of part ``attribute``: user →
    segment; of part ``value``: item → segment.
    """
    taken = pairs.ones.astype(np.float64)
    if cfg.half_life is not None:
        taken.data = np.exp2(-pairs.age.data.astype(np.float64) / cfg.half_life)
    total_I = np.asarray(taken.sum(axis=0)).ravel()
    overall_I = total_I / max(total_I.sum(), 1e-12)
    segments = Segments.of(pairs, overall_I, cfg)
    of_segment = (segments.members(pairs, cfg.half_life).T @ taken).tocsr()
    fields = len(segments.field_S)
    m_S = _spread(of_segment, overall_I, segments.field_S) if cfg.shrinkage is None else np.full(fields, cfg.shrinkage)
    row = np.repeat(np.arange(fields), np.diff(of_segment.indptr))
    of_segment.data = np.log1p(of_segment.data / (m_S[row] * overall_I[of_segment.indices]))
    of_users = np.isin(segments.field_S, segments.field_S[segments.unknown_S])
    weight_S = np.where(of_users, cfg.user_weight, cfg.history_weight)
    name_S = np.arange(fields)
    yield from state.vectors("item", pairs.items, np.zeros((len(pairs.items), 0)), overall_I)
    yield from state.vectors(
        "segment", name_S, np.column_stack([segments.field_S, segments.share_S, segments.unknown_S, weight_S])
    )
    yield from state.entries("popular", name_S, pairs.items, of_segment)
    yield from state.entries("attribute", segments.users, name_S, segments.attribute)
    yield from state.entries("value", pairs.items, name_S, segments.value)


def _narrow(content: Content, cfg: SegmentPopularityConfig) -> list[str]:
    """Fields of items with few values."""
    fields = [f for f in content.fields("item") if f not in cfg.without]
    return [f for f, count in sorted(Counter(content.values("item", fields).field).items()) if count <= cfg.values]


def _spread(of_segment: sp.csr_matrix, overall_I: Doubles, field_S: Ints) -> Doubles:
    """m (S,), one for the segments of a field. ``of_segment`` (S, I): n_sj."""
    row = np.repeat(np.arange(len(field_S)), np.diff(of_segment.indptr))
    size_S = np.bincount(row, of_segment.data, len(field_S))
    square_S = np.bincount(row, of_segment.data**2 / overall_I[of_segment.indices], len(field_S))
    free = max(np.count_nonzero(overall_I) - 1, 1)
    there_S = size_S > 0
    chi_S = np.divide(square_S, size_S, out=np.zeros(len(field_S)), where=there_S) - size_S
    drawn_F = np.bincount(field_S, np.where(there_S, free * np.maximum(size_S - 1, 0), 0))
    beyond_F = np.bincount(field_S, np.where(there_S, chi_S - free, 0))
    m_F = np.divide(drawn_F, beyond_F, out=np.full(len(drawn_F), _MOST), where=beyond_F > 0) - 1
    return np.asarray(np.clip(m_F, 1.0, _MOST)[field_S])


class Scorer:
    """A user without a history and attributes gets what is popular with all."""

    def __init__(self, rows: State, cfg: SegmentPopularityConfig) -> None:
        self.half_life = cfg.half_life
        self.items, _, overall_I = rows.vectors("item")
        self.prior_I = np.log(overall_I + _LITTLE)
        names, columns_S4, _ = rows.vectors("segment")
        columns_4S = columns_S4.T.astype(np.float64) if len(names) else np.zeros((4, 0))
        field_S, share_S, unknown_S, self.weight_S = columns_4S
        users, _, attribute = rows.matrix("attribute", other=names)
        value = rows.matrix("value", self.items, names)[2]
        self.segments = Segments(
            field_S.astype(np.int64), share_S, unknown_S > 0, users, attribute.tocsr(), value.tocsr()
        )
        self.popular = rows.matrix("popular", names, self.items)[2].tocsr()

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: popularity within the user's segments, weighted,
        plus an item's prior; every user has a list.
        """
        import scipy.sparse as sp

        member = (self.segments.members(histories, self.half_life) @ sp.diags(self.weight_S)).tocsr()
        scores_BI = (member @ self.popular).toarray() + self.prior_I[None, :]
        return best_dense(scores_BI.astype(np.float32), histories.ones if exclude_seen else None, k)
