"""two_heads: whether a user's own items are taken again next, and which others are, each by a model of what came next
on days before; one list by both chances.

    P(i next) = σ(w · x + Σ_t leaf_t(x)),  one w and trees for own items, another for those that the user did not take

x of an own item: its shares of the user's baskets by several decays and where a basket counts by 1 / its items, its
place among the user's items, baskets and days since the last, those over the usual gap and over the latest, the gap's
spread; of the item its popularity and trend, how often it comes back; of the user the baskets, their size, the days
since the last; what the last baskets point at, and the tastes that the user shares with others. x of another: how
often it is taken for the first time and at all, by several half-lives, what points at it, tastes.
What is read follows ReCANet (Ariannezhad et al., SIGIR 2022), TIFU-KNN (Hu et al., SIGIR 2020) and UP-CF (Faggioli et
al., UMAP 2020); that repeating and exploring are two questions, Li et al. (2023).

Learned from are the next baskets of all users as of ``fit_days`` days before, each beside what was known on its day. w
is the mode under a normal prior (``logistic``), trees go on from there (``boosted``), as many as make
the next baskets of a fifth of the users likelier, from whom they do not learn: a shop with few baskets has the
prior, that shares count and, of others, P(new), what points at them and tastes. A user counts by the items of the next
basket to the power −``size_power``: as lists are judged, a basket is one case, not each of its items; so P is what the
item's chance is among baskets that count so. near and taste of the examples are as of the earliest of these days, so
that they do not hold what they are to tell.

Shapes: P pairs, F numbers of a pair, B users of a block, I items.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from fuserank.learning.recommenders import boosted, state, two_heads_new, two_heads_own
from fuserank.learning.recommenders.best import Best, Products, best_dense
from fuserank.learning.recommenders.boosted import Growth, Trees
from fuserank.learning.recommenders.logistic import mode, product, sigmoid
from fuserank.learning.recommenders.two_heads_past import Pairs, Past, Whole
from fuserank.learning.recommenders.two_heads_shop import NUMBERS, Shop, counted, related

if TYPE_CHECKING:
    import pyarrow as pa
    import scipy.sparse as sp

    from fuserank.learning.recommenders.baskets import Baskets
    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.settings_baskets import TwoHeadsConfig
    from fuserank.learning.recommenders.state import State

USERS_AT_ONCE = 256
Doubles = npt.NDArray[np.float64]
Floats = npt.NDArray[np.float32]
Ints = npt.NDArray[np.int64]
_OWN_ROWS, _NEW_ROWS = 300_000, 100_000  # pairs that were not taken next, drawn for each head, in the mean
_APART = 0.2  # of users, from whom trees do not learn, but who say how many are taken
_OWN_PRIOR = {two_heads_own.SHARE: 1.0}
_NEW_PRIOR = {two_heads_new.NEW: 1.0, two_heads_new.POINTED: 0.5, two_heads_new.ALIKE: 1.0}


@dataclass(frozen=True)
class Head:
    """line (F,) and trees."""

    line: Doubles
    trees: Trees

    def p(self, x_PF: Floats) -> Doubles:
        """P of each row (P,)."""
        return sigmoid(self.trees.margin(x_PF, product(x_PF, self.line)))


class Sight:
    """A shop as both heads see it, and what they read of a block of users."""

    def __init__(self, shop: Shop, cfg: TwoHeadsConfig) -> None:
        self.shop, self.cfg = shop, cfg
        self.products, self.common = Products(shop.factors), two_heads_new.of_all(shop, cfg.candidates)

    def of(self, baskets: Baskets) -> Seen:
        """What is read of users whose baskets these are."""
        items, cfg = len(self.shop.gap), self.cfg
        own = baskets.summed(np.ones(len(baskets.item)), items)
        own.data[:] = 1.0
        back_N = baskets.back.astype(np.float64)
        last = baskets.summed(cfg.last_decay**back_N * (back_N < cfg.last), items)
        last.eliminate_zeros()
        pointed = (last @ self.shop.near).tocsr()
        pointed.sort_indices()
        pairs = Pairs.of(baskets.user, baskets.item.astype(np.int64), items)
        whole = Whole.of(baskets, np.diff(own.indptr), self.shop.between)
        return Seen(self, baskets, pairs, whole, own, last, pointed, self.shop.tastes(own))


@dataclass(frozen=True)
class Seen:
    """A block of users: pairs with own items, own (B, I), what their last baskets are and point at (B, I), tastes."""

    sight: Sight
    baskets: Baskets
    pairs: Pairs
    whole: Whole
    own: sp.csr_matrix
    last: sp.csr_matrix
    pointed: sp.csr_matrix
    taste_BD: Floats

    def of_own(self, places: Ints | None = None) -> Floats:
        """x of own items (P, F); ``places``: of some pairs alone."""
        place, pairs = two_heads_own.places(self.baskets, self.pairs), self.pairs
        if places is not None:
            place, pairs = place[places], pairs.some(places)
        shop = self.sight.shop
        return two_heads_own.numbers(self.baskets, pairs, place, self.whole, shop, self.pointed, self.taste_BD)

    def candidates(self) -> tuple[Ints, Ints]:
        """(user, item) of other items that are looked at."""
        of, most = self.sight, self.sight.cfg.candidates
        return two_heads_new.candidates(self.own, self.last, of.shop.near, of.products, self.taste_BD, of.common, most)

    def of_new(self, user: Ints, item: Ints) -> Floats:
        """x of other items (P, F)."""
        return two_heads_new.numbers(user, item, self.whole, self.sight.shop, self.pointed, self.taste_BD)


@dataclass
class Examples:
    """Rows of one head: x, whether taken next, weight, whether the user is one by whom trees are counted."""

    x: list[Floats] = field(default_factory=list)
    label: list[npt.NDArray[np.bool_]] = field(default_factory=list)
    weight: list[Doubles] = field(default_factory=list)
    apart: list[npt.NDArray[np.bool_]] = field(default_factory=list)

    def add(
        self, x_PF: Floats, label_P: npt.NDArray[np.bool_], weight_P: Doubles, apart_P: npt.NDArray[np.bool_]
    ) -> None:
        """Rows of one day."""
        self.x.append(x_PF)
        self.label.append(label_P)
        self.weight.append(weight_P)
        self.apart.append(apart_P)

    def head(self, width: int, prior: dict[int, float], cfg: TwoHeadsConfig, seed: int) -> Head:
        """Fitted on all rows."""
        x = np.concatenate([np.zeros((0, width), np.float32), *self.x])
        label = np.concatenate([np.zeros(0, bool), *self.label]).astype(np.float64)
        weight = np.concatenate([np.zeros(0), *self.weight])
        apart = np.concatenate([np.zeros(0, bool), *self.apart])
        prior_F = np.zeros(width)
        prior_F[list(prior)] = list(prior.values())
        line = mode(x.astype(np.float64), label, prior_F, cfg.regularization, weight, free=True)
        growth = Growth(cfg.trees, cfg.rate, cfg.depth)
        return Head(line, boosted.fit(x, label, weight, product(x, line), growth, seed, apart))


@dataclass
class _Learned:
    """Examples of both heads, and how many of the items that neither looked at were taken, beside Σ P(new) of them."""

    own: Examples = field(default_factory=Examples)
    new: Examples = field(default_factory=Examples)
    taken: float = 0.0
    awaited: float = 0.0

    def add(
        self, past: Past, rows: Ints, sight: Sight, random: np.random.Generator, apart_U: npt.NDArray[np.bool_]
    ) -> None:
        """Those of a day, of the users ``rows``."""
        apart_B = apart_U[rows]
        cfg, new_I, items = sight.cfg, sight.shop.new, len(sight.shop.new)
        seen, size_B = sight.of(past.baskets.some(rows)), past.size()[rows]
        weight_B = size_B**-cfg.size_power
        weight_B /= weight_B.mean()
        own_user, own_item = seen.pairs.user, seen.pairs.item
        own_next = past.took(rows[own_user], own_item, items)
        drawn, times = _drawn(own_next, _OWN_ROWS / cfg.fit_days, random)
        self.own.add(seen.of_own(drawn), own_next[drawn], weight_B[own_user[drawn]] * times, apart_B[own_user[drawn]])
        user, item = seen.candidates()
        new_next = past.took(rows[user], item, items)
        drawn, times = _drawn(new_next, _NEW_ROWS / cfg.fit_days, random)
        at = user[drawn]
        self.new.add(seen.of_new(at, item[drawn]), new_next[drawn], weight_B[at] * times, apart_B[at])
        looked = (
            np.concatenate([own_user, user]),
            np.concatenate([own_item, item]),
            np.concatenate([own_next, new_next]),
        )
        self.taken += float((weight_B * size_B).sum() - weight_B[looked[0]] @ looked[2])
        self.awaited += float(weight_B.sum() * new_I.sum() - weight_B[looked[0]] @ new_I[looked[1]])

    @property
    def rest(self) -> float:
        """What P(new) is to be multiplied by where neither head looks."""
        return (self.taken + 1e-3) / (self.awaited + 1e-3) if self.awaited > 0 else 1.0


def _drawn(next_P: npt.NDArray[np.bool_], most: float, random: np.random.Generator) -> tuple[Ints, Doubles]:
    """Places of all pairs that were taken next and of a draw of the others, and how many each stands for."""
    share = min(1.0, most / max(int((~next_P).sum()), 1))
    places = np.flatnonzero(next_P | (random.random(len(next_P)) < share))
    return places, np.where(next_P[places], 1.0, 1 / share)


def learn(pairs: Interactions, cfg: TwoHeadsConfig, seed: int, block: tuple[int, int]) -> Iterator[pa.RecordBatch]:
    """Vectors of parts ``item`` (``two_heads_shop.NUMBERS``) and ``taste``, edges of part ``near``; of each head a
    vector of part ``<head>_line`` and those of part ``<head>_trees``; of part ``shop`` days between baskets and
    ``rest``.
    """
    assert pairs.baskets is not None
    every, items = pairs.baskets, len(pairs.items)
    between = Whole.of(every, np.diff(pairs.weight.indptr)).gap
    oldest = Past.of(every, cfg.fit_days * cfg.spacing, 0.0).baskets
    before = related(counted(oldest, items, cfg, between), oldest, pairs, cfg, seed)
    learned, apart_U = _Learned(), np.random.default_rng((seed, 0)).random(len(pairs.users)) < _APART
    for number in range(1, cfg.fit_days + 1):
        past = Past.of(every, number * cfg.spacing, cfg.horizon)
        rows = np.flatnonzero(past.followed)
        if len(rows):
            sight = Sight(counted(past.baskets, items, cfg, between).beside(before), cfg)
            learned.add(past, rows, sight, np.random.default_rng((seed, number)), apart_U)
    shop = counted(every, items, cfg, between)
    if len(oldest.item) or not learned.new.x:  # else examples saw nothing of what is bought beside what
        shop = related(shop, every, pairs, cfg, seed)
    heads = {
        "own": learned.own.head(two_heads_own.WIDTH, _OWN_PRIOR, cfg, seed),
        "new": learned.new.head(two_heads_new.WIDTH, _NEW_PRIOR, cfg, seed + 1),
    }
    yield from state.vectors("item", pairs.items, shop.table)
    yield from state.vectors("taste", pairs.items, shop.taste, shop.root)
    yield from state.entries("near", pairs.items, pairs.items, shop.near)
    one = np.zeros(1, np.int32)
    yield from state.vectors("shop", one, np.array([[between, learned.rest]]))
    for name, head in heads.items():
        yield from state.vectors(f"{name}_line", one, head.line[None, :])
        trees = head.trees.vectors
        yield from state.vectors(f"{name}_trees", np.arange(len(trees)), trees)


class Scorer:
    """score of an item = P that it is next; where neither head looks P(new) times what is taken so. A user without a
    history gets what is new to most.
    """

    def __init__(self, rows: State, cfg: TwoHeadsConfig) -> None:
        self.items, numbers, _ = rows.vectors("item")
        _, taste, root = rows.vectors("taste")
        near = rows.matrix("near", self.items, self.items)[2].astype(np.float64)
        _, one, _ = rows.vectors("shop")
        between, rest = one[0] if len(one) else (1.0, 1.0)
        self.rest = float(rest)
        columns = numbers.T.astype(np.float64) if len(self.items) else np.zeros((len(NUMBERS), 0))
        of_items = dict(zip(NUMBERS, columns, strict=True))
        shop = Shop(**of_items, near=near, taste=taste, root=root.astype(np.float64), between=float(between))
        self.sight = Sight(shop, cfg)
        self.own, self.new = (self._head(rows, name) for name in ("own", "new"))

    @staticmethod
    def _head(rows: State, name: str) -> Head:
        _, line, _ = rows.vectors(f"{name}_line")
        _, trees, _ = rows.vectors(f"{name}_trees")
        return Head(line.astype(np.float64).ravel(), Trees.of(trees))

    def best(self, histories: Interactions, k: int, exclude_seen: bool) -> Best:
        """As ``contract.Scorer``: own items and others by one chance."""
        assert histories.baskets is not None
        seen = self.sight.of(histories.baskets)
        scores_BI = np.repeat(
            (self.rest * self.sight.shop.new)[None, :].astype(np.float32), len(histories.users), axis=0
        )
        user, item = seen.candidates()
        scores_BI[user, item] = self.new.p(seen.of_new(user, item))
        scores_BI[seen.pairs.user, seen.pairs.item] = self.own.p(seen.of_own())
        return best_dense(scores_BI, histories.ones if exclude_seen else None, k)
