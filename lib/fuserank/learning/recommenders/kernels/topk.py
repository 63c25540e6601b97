"""Exact top-K of inner products for many users: bounded by norms, filtered in float32, decided in float64.

Shapes: U users, I items, D factor length, K results a user. Items stand by falling norm, and are scored a chunk at a
time: by Cauchy–Schwarz an item can't enter the list of a user whose K-th score so far is above ‖x‖·‖y‖, so that most
users are done after a few chunks (as in LEMP; Teflioudi, Gemulla, Mykytiuk 2015, section 3). Within a chunk one matrix
product scores a block of users; groups of columns are reduced to their maximum, and the K-th largest maximum bounds the
K-th largest score from below. What reaches that bound less the rounding error of a float32 product is scored again in
float64, so that the lists do not depend on chunks, blocks, partitions or the BLAS: score = float32 of the float64 inner
product, ties to the lower item position.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

_GROUP = 8  # columns reduced to one maximum
_CHUNK = 4096  # columns of the first chunk; each next one is twice as wide
_BLOCK_BYTES = 4 << 20  # of one block's score matrix: it stays in the cache between the product and the filter
_UNIT_ROUNDOFF = 2.0**-24

Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class SeenItems:
    """Masked positions by user, in CSR form: those of user u are ``positions[starts[u]:starts[u + 1]]``."""

    starts: Ints
    positions: Ints


class ItemIndex:
    """Item factors (I, D), rows in ascending item order, made ready for ``topk``."""

    def __init__(self, factors_ID: Floats, k: int) -> None:
        if not np.isfinite(factors_ID).all():
            raise ValueError("item factors hold a NaN or an infinity; the fit that made them diverged")
        if k < 1:
            raise ValueError(f"k is {k}; it must be at least 1")
        self.items, self.depth = factors_ID.shape
        self.k = min(k, self.items)
        norm_I = _norms(factors_ID)
        self.order_I = np.argsort(-norm_I, kind="stable")  # place by norm → item position
        self.place_I = np.empty(self.items, np.int64)
        self.place_I[self.order_I] = np.arange(self.items)
        self.norm_I = norm_I[self.order_I]
        self.factors_ID = np.ascontiguousarray(factors_ID[self.order_I], dtype=np.float32)
        # |fl(x·y) − x·y| ≤ γ_D · ‖x‖ · ‖y‖ in float32 (Higham 2002, eq. 3.5, and Cauchy–Schwarz)
        gamma = self.depth * _UNIT_ROUNDOFF / (1 - self.depth * _UNIT_ROUNDOFF)
        self.error_per_norm = float(1.01 * gamma * self.norm_I.max(initial=0.0))

    def chunks(self) -> Iterator[slice]:
        """Places of growing chunks, each a whole number of groups wide but the last."""
        start, width = 0, max(_CHUNK, 2 * _GROUP * self.k)
        while start < self.items:
            yield slice(start, min(start + width, self.items))
            start, width = start + width, 2 * width


def topk(users_UD: Floats, index: ItemIndex, seen: SeenItems | None = None) -> tuple[Ints, Floats]:
    """The K best items of each user.

    Returns positions (U, K) and scores (U, K), best first; where a mask leaves fewer than K items, the rest of the row
    is position −1 and score −inf. Raises ValueError on factors that are not finite.
    """
    if not np.isfinite(users_UD).all():
        raise ValueError("user factors hold a NaN or an infinity; the fit that made them diverged")
    users_UD = np.ascontiguousarray(users_UD, dtype=np.float32)
    norm_U = _norms(users_UD)
    floor_U = np.full(len(users_UD), -np.inf, dtype=np.float32)
    masks = None if seen is None else _Masks(seen, index)
    found: list[tuple[Ints, Ints]] = []
    for chunk in index.chunks():
        reach_U = norm_U * index.norm_I[chunk.start] * (1 + 1e-9)  # the norms are rounded too, in float64
        open_users = np.flatnonzero(reach_U >= floor_U)
        if masks is not None:
            masks.enter(chunk, len(users_UD))
        block = int(np.clip(_BLOCK_BYTES // (4 * (chunk.stop - chunk.start)), 16, 512))
        for start in range(0, len(open_users), block):
            user_B = open_users[start : start + block]
            products_BC = users_UD[user_B] @ index.factors_ID[chunk].T
            if masks is not None:
                masks.apply(products_BC, user_B)
            slack_B = index.error_per_norm * norm_U[user_B]
            row, column = _near_the_top(products_BC, floor_U, user_B, slack_B, index.k)
            found.append((user_B[row], chunk.start + column))
    return _decide(users_UD, index, floor_U, found)


def _norms(factors_ND: Floats) -> npt.NDArray[np.float64]:
    squares: npt.NDArray[np.float64] = np.einsum("nd,nd->n", factors_ND, factors_ND, dtype=np.float64)
    return np.sqrt(squares)


class _Masks:
    """What users have seen, by place instead of position, one chunk at a time."""

    def __init__(self, seen: SeenItems, index: ItemIndex) -> None:
        self.user = np.repeat(np.arange(len(seen.starts) - 1), np.diff(seen.starts))
        self.place = index.place_I[seen.positions]

    def enter(self, chunk: slice, users: int) -> None:
        inside = np.flatnonzero((self.place >= chunk.start) & (self.place < chunk.stop))
        self.columns = self.place[inside] - chunk.start
        self.starts = np.concatenate([[0], np.cumsum(np.bincount(self.user[inside], minlength=users))])

    def apply(self, products_BC: Floats, user_B: Ints) -> None:
        """Sets what the block's users have seen to −inf."""
        first, counts = self.starts[user_B], self.starts[user_B + 1] - self.starts[user_B]
        row = np.repeat(np.arange(len(user_B)), counts)
        at = np.arange(len(row)) + np.repeat(first - np.cumsum(counts) + counts, counts)
        products_BC[row, self.columns[at]] = -np.inf


def _near_the_top(products_BC: Floats, floor_U: Floats, user_B: Ints, error_B: Floats, k: int) -> tuple[Ints, Ints]:
    """(row, column) of all that may be among a user's K best, given the chunks before; raises the users' floors."""
    columns = products_BC.shape[1]
    groups = columns // _GROUP
    whole = groups * _GROUP
    grouped_BGM = products_BC[:, :whole].reshape(len(products_BC), _GROUP, groups)  # a group: columns M apart
    largest_BM = grouped_BGM.max(axis=1)
    # Only rows with K maxima above the floor so far can raise it.
    rising = np.flatnonzero(np.count_nonzero(largest_BM >= floor_U[user_B][:, None], axis=1) >= k)
    if len(rising):
        kth_R = np.partition(largest_BM[rising], groups - k, axis=1)[:, groups - k].astype(np.float64)
        # The K-th score and a rival may be off by the error; a last float32 rounding may make ties of neighbours.
        error_R, size_R = error_B[rising], np.where(np.isfinite(kth_R), np.abs(kth_R), 0.0)
        floor_R = kth_R - 2 * error_R - 4 * _UNIT_ROUNDOFF * (size_R + error_R) - 1e-37
        rounded_R = np.nextafter(floor_R.astype(np.float32), np.float32(-np.inf))
        floor_U[user_B[rising]] = np.maximum(floor_U[user_B[rising]], rounded_R)
    floor_B = floor_U[user_B]
    row, group = np.nonzero(largest_BM >= floor_B[:, None])
    values_NG = grouped_BGM[row, :, group]
    pick, member = np.nonzero((values_NG >= floor_B[row][:, None]) & (values_NG > -np.inf))
    rest_B = products_BC[:, whole:]
    rest_row, rest = np.nonzero((rest_B >= floor_B[:, None]) & (rest_B > -np.inf))
    return np.concatenate([row[pick], rest_row]), np.concatenate([member * groups + group[pick], whole + rest])


def _decide(users_UD: Floats, index: ItemIndex, floor_U: Floats, found: list[tuple[Ints, Ints]]) -> tuple[Ints, Floats]:
    """The K best of what was found, by float64."""
    positions_UK = np.full((len(users_UD), index.k), -1, dtype=np.int64)
    scores_UK = np.full((len(users_UD), index.k), -np.inf, dtype=np.float32)
    if not found:
        return positions_UK, scores_UK
    user, place = (np.concatenate(each) for each in zip(*found, strict=True))
    exact = _inner(users_UD, user, index.factors_ID, place)
    position = index.order_I[place]
    near = exact >= floor_U[user]  # chunks raise the floor: much that was found early is out by now
    user, position, exact = user[near], position[near], exact[near]
    order = _best_first(user, exact, position)
    user, position, exact = user[order], position[order], exact[order]
    rank = np.arange(len(user)) - np.searchsorted(user, user)
    top = rank < index.k
    positions_UK[user[top], rank[top]] = position[top]
    scores_UK[user[top], rank[top]] = exact[top]
    return positions_UK, scores_UK


def _best_first(user: Ints, score: Floats, position: Ints) -> Ints:
    """Order by user, falling score, position; one sort of whole numbers, as long as
    no two scores of a user are equal.
    """
    bits = (score + np.float32(0)).view(np.int32).astype(np.int64)  # -0.0 is 0.0
    rising = np.where(bits < 0, -(bits & 0x7FFFFFFF), bits)  # as whole numbers in the order of the floats
    key = (user << 33) - rising
    order = np.argsort(key)
    ordered = key[order]
    return np.lexsort((position, key)) if (ordered[1:] == ordered[:-1]).any() else order


def _inner(users_UD: Floats, user: Ints, items_ID: Floats, place: Ints) -> Floats:
    """Inner products in float64, rounded to float32, a cache's worth of rows at a time."""
    exact = np.empty(len(user), dtype=np.float32)
    for start in range(0, len(user), 4096):
        at = slice(start, start + 4096)
        left, right = users_UD[user[at]].astype(np.float64), items_ID[place[at]].astype(np.float64)
        exact[at] = np.einsum("nd,nd->n", left, right)
    return exact
