"""ials with links between users: a fold-in drawn to the mean of those whom a user trusts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pyarrow as pa

from fuserank.learning.recommenders import ials, state
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, Content
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.settings import IalsConfig
from tests.support.family import pairs, plain, planted

SOCIAL = 0.7


def linked(links: list[tuple[int, int]]) -> Content:
    columns = zip(*[("link", user, "social", str(other)) for user, other in links], strict=True)
    return Content(pa.table(dict(zip(CONTENT_COLUMNS, map(list, columns), strict=True))))


def test_links_are_pairs_of_two_without_doubles() -> None:
    user, other = linked([(7, 3), (2, 9), (7, 3), (4, 4), (7, 1)]).links()
    assert list(zip(user.tolist(), other.tolist(), strict=True)) == [(2, 9), (7, 1), (7, 3)]


def test_a_user_is_drawn_to_the_mean_of_those_who_are_trusted() -> None:
    cfg = plain(IalsConfig, factors=6, iterations=3, social=SOCIAL, regularization=0.05, unobserved_weight=0.1)
    taken = replace(Interactions.of(planted()[0]), content=linked([(7, 9), (7, 11), (7, 888), (9, 7), (777, 11)]))
    rows = state.State(pa.Table.from_batches(list(ials.learn(taken, cfg, 1, (0, 1)))))
    of = ials.Scorer(rows, cfg)
    names, near_UD, _ = rows.vectors("linked")
    assert names.tolist() == [7, 9, 777]

    histories = Interactions.of(pairs([*((7, i) for i in taken.items[:4].tolist()), (11, 4), (777, 5)]), of.items)
    near_BD = np.stack([near_UD[0], np.zeros(6), near_UD[2]]).astype(np.float32)
    y_ID = of.factors_ID.astype(np.float64)
    gram = cfg.unobserved_weight * y_ID.T @ y_ID
    y_ND = y_ID[:4]
    penalty = cfg.regularization * (4 + cfg.unobserved_weight * len(y_ID))
    left = gram + (1 + SOCIAL) * penalty * np.eye(6) + y_ND.T @ y_ND
    want = np.linalg.solve(left, y_ND.sum(axis=0) + SOCIAL * penalty * near_UD[0])
    found_BD = of.fold_in(histories.weight, near_BD)
    np.testing.assert_allclose(found_BD[0], want, atol=2e-5)
    np.testing.assert_allclose(found_BD[1], of.fold_in(histories.weight)[1], atol=1e-6)

    best = of.best(histories, 3, False)
    score = near_UD[2] @ of.factors_ID.T
    assert best.column[best.row == 2].tolist() == np.argsort(-score, kind="stable")[:3].tolist(), "known by links alone"


def test_without_its_setting_links_change_nothing() -> None:
    cfg = plain(IalsConfig, factors=6, iterations=2)
    taken = Interactions.of(planted()[0])
    one, other = (
        pa.Table.from_batches(list(ials.learn(replace(taken, content=content), cfg, 1, (0, 1))))
        for content in (None, linked([(7, 9)]))
    )
    assert one.equals(other)
