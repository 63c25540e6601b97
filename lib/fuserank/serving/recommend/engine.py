"""The engine of the recommend service: a request in, an answer out, without HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from fuserank.serving.recommend.rules import Rules
from fuserank.serving.recommend.session import SessionWeights

if TYPE_CHECKING:
    from fuserank.serving.requests import Answer, Options, RankRequest, RecommendRequest
    from fuserank.serving.store.contract import Store

POLICY = "published-1"


def utcnow() -> datetime:
    """The time now, of zone UTC."""
    return datetime.now(UTC)


def _answer_id() -> str:
    return uuid.uuid4().hex


class Recommender:
    """Answers from one store.

    :raises Refused: by every method, where a request cannot be answered
    """

    def __init__(
        self,
        store: Store,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        now: Callable[[], datetime] = utcnow,
        *,
        weights: SessionWeights = SessionWeights(),  # noqa: B008 - frozen
        answer_id: Callable[[], str] = _answer_id,
        policy: str = POLICY,
    ) -> None:
        self._store, self._rules, self._now = store, rules, now
        self._weights, self._answer_id, self._policy = weights, answer_id, policy

    def recommend(self, request: RecommendRequest) -> Answer:
        """Items for a user, or for a session of an unknown one."""
        raise NotImplementedError

    def rank(self, request: RankRequest) -> Answer:
        """Of these candidates alone the k best that rules and filter allow."""
        raise NotImplementedError

    def similar(self, item: str, options: Options) -> Answer:
        """What is bought together with an item, else what has a vector near its own."""
        raise NotImplementedError

    def basket(self, request: RecommendRequest) -> Answer:
        """What goes with the items of ``request.basket``."""
        raise NotImplementedError
