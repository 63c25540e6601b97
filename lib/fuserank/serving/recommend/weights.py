"""How much a session counts."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class SessionWeights:
    """How much a session counts beside the published list.

    Replayed baskets of completejourney (1,962 of the four weeks before its as_of, one a household, by what was learned
    of the days before; up to four items known, NDCG@10 of the others): .0912 with these, .0828 by co-purchase alone,
    .0575 by vectors alone; als .2: .0893, .4: .0818. A snapshot may have others, which its shop's baskets asked for.

    :param co_purchase: of items bought together with those of the session, in spreads of the published list (its
        highest score less its lowest); 1: an item always bought with one of the session moves from last to first
    :param als: of items whose vector is near that of the session, in the same unit
    :param sequence: of what a sequence model says comes next, in the same unit, where the snapshot has its step; 0
        until a shop's baskets ask for it. Those above do for .2 without vectors, by gru4rec's step: .1042
    :param listed: how often all of them count where there is a published list, which they have to move. Of 3,500
        baskets of 2017-10-09 to 2017-11-05 by lists as of 2017-10-09, NDCG@10 of the rest with 1: .1660, 2: .1707, 3:
        .1736, 5: .1743, 8: .1699, 15: .1556, of the list without the basket .1615; with one item known 3 is above 5
    :param view: and ``click``, ``cart``, ``purchase``, ``dislike``: what an event of that kind weighs
    :param half_life: events after which one counts half
    :param ridge: how much the vector of a session is drawn to zero, against its weightiest event
    :param most: items of a session that are looked at, the last ones
    """

    co_purchase: float = 1.0
    als: float = 0.1
    sequence: float = 0.0
    listed: float = 3.0
    view: float = 1.0
    click: float = 1.5
    cart: float = 3.0
    purchase: float = 4.0
    dislike: float = -3.0
    half_life: float = 5.0
    ridge: float = 0.1
    most: int = 50
