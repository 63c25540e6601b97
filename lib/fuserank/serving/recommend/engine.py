"""The engine of the recommend service: a request in, an answer out, without HTTP."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Protocol

import numpy as np

from fuserank.serving.recommend.answers import Made, answer_of, require_fields
from fuserank.serving.recommend.catalogue import Catalogue
from fuserank.serving.recommend.cursor import items_before, request_hash
from fuserank.serving.recommend.lists import Fused, Listed, OfSegment, Popular, Ranked, Trending
from fuserank.serving.recommend.page import Page
from fuserank.serving.recommend.plan import (
    MOST_NEAR,
    Impersonal,
    Plan,
    but,
    features_of,
    gone_by,
    near_by,
    no_list,
    of_just_now,
    of_list,
    recently,
)
from fuserank.serving.recommend.rules import Rules
from fuserank.serving.recommend.segments import require_context
from fuserank.serving.recommend.session import Done, Lived, Near, done
from fuserank.serving.recommend.weights import SessionWeights
from fuserank.serving.requests import (
    SEGMENT,
    TRENDING,
    Answer,
    Options,
    RankRequest,
    RecommendRequest,
    Refused,
    ServedFrom,
    SessionEvent,
)

if TYPE_CHECKING:
    import numpy.typing as npt

    from fuserank.serving.store.contract import Store
    from fuserank.serving.store.records import UserRecord

    Ints = npt.NDArray[np.int64]

POLICY = "published-1"
_MOST_RECORDS, _TRIES = 50_000, 3
_ONE_NEAR = SessionWeights(co_purchase=1.0, als=0.0), SessionWeights(co_purchase=0.0, als=1.0)
_NONE: Ints = np.zeros(0, np.int64)


def utcnow() -> datetime:
    """The time now, of zone UTC."""
    return datetime.now(UTC)


def _answer_id() -> str:
    return uuid.uuid4().hex


class Lives(Protocol):
    """What users did in the last hours: ``fuserank.serving.collect.sessions.Sessions``."""

    def of(self, user: str, surface: str, now: datetime) -> Sequence[Lived]:
        """What a user did, the latest last."""

    def user_of(self, session: str) -> str | None:
        """The user of a session."""

    def trending(self, now: datetime, most: int) -> Sequence[tuple[str, float]]:
        """Items that users do most with at this time, each with how many of them, the most first."""


class Recommender:
    """Answers from one store; several threads may ask one.

    :param now: by which purchases of today are known
    :param weights: of a session; None: those of the snapshot
    :param records: items that are held in memory, some kB each
    :param answer_id: names an answer
    :param policy: what answers say of how they were made
    :param lives: what users did, as it is collected; None: only what requests say
    :raises Refused: by every method, where a request cannot be answered
    """

    def __init__(
        self,
        store: Store,
        rules: Rules = Rules(),  # noqa: B008 - frozen
        now: Callable[[], datetime] = utcnow,
        *,
        weights: SessionWeights | None = None,
        records: int = _MOST_RECORDS,
        answer_id: Callable[[], str] = _answer_id,
        policy: str = POLICY,
        lives: Lives | None = None,
    ) -> None:
        self._store, self._rules, self._now, self._records = store, rules, now, records
        self._weights, self._answer_id, self._policy = weights, answer_id, policy
        self._lives = lives
        self._catalogue = Catalogue(store, records, weights)

    @property
    def without_step(self) -> str | None:
        """Why the step of the snapshot's sequence model is not taken; None: it is, or there is none to take."""
        return self._catalogue.without_step

    def recommend(self, request: RecommendRequest) -> Answer:
        """Items for a user, or for a session of an unknown one."""
        return self._answer("recommend", request, lambda catalogue: self._recommended(catalogue, request))

    def rank(self, request: RankRequest) -> Answer:
        """Of these candidates alone the k best that rules and filter allow; pins are not for them."""
        return self._answer("rank", request, lambda catalogue: self._ranked(catalogue, request))

    def similar(self, item: str, options: Options) -> Answer:
        """What is bought together with an item, then what has a vector near its own."""

        def plan(catalogue: Catalogue) -> Plan:
            index = catalogue.indices([item])[item]
            if index is None:
                raise Refused(404, "item", f"the catalogue has no item {item[:80]!r}", "item")
            lists = self._near_lists(catalogue, {index: 1.0}, "similar")
            belongs = catalogue.segments.of({}, options.context)
            return Plan(None, "session", "what is near to the item", lists, {index: "itself"}, 0, {}, belongs)

        return self._answer("similar", options, plan, item)

    def basket(self, request: RecommendRequest) -> Answer:
        """What goes with the items of ``request.basket``: what is bought together with them, then by vectors."""
        if not request.basket:
            raise Refused(422, "basket", "the basket is empty; send the items that are in it", "basket")

        def plan(catalogue: Catalogue) -> Plan:
            was = self._done(catalogue, request)
            inside, _ = catalogue.indices_of(request.basket)
            gone, features = gone_by(was, inside), features_of(catalogue, self._user(request))
            belongs = catalogue.segments.of(features, request.context)
            if not inside:
                of = Impersonal(catalogue, belongs, "the catalogue has no item of the basket")
                return Plan(request.user, of.served_from, of.why, of.lists, gone, was.unknown, features, belongs)
            lists, why = self._near_lists(catalogue, dict.fromkeys(inside, 1.0), "basket"), "what goes with the basket"
            return Plan(request.user, "session", why, lists, gone, was.unknown, features, belongs)

        return self._answer("basket", request, plan)

    def trending(self, options: Options) -> Answer:
        """What users do most at this time, as the collector sees it; where it sees nothing, what is popular."""

        def plan(catalogue: Catalogue) -> Plan:
            belongs = catalogue.segments.of({}, options.context)
            found = [] if self._lives is None else self._lives.trending(self._now(), MOST_NEAR)
            indices = catalogue.indices(item for item, _ in found)
            counts = {index: count for item, count in found if (index := indices[item]) is not None}
            unknown = len(found) - len(counts)
            if not counts:
                why = "this service collects no events" if self._lives is None else "no event was collected of late"
                of = Impersonal(catalogue, belongs, why)
                return Plan(None, of.served_from, of.why, of.lists, {}, unknown, {}, belongs)
            lists: list[Callable[[], Ranked]] = [lambda: Trending(counts)]
            return Plan(None, TRENDING, "what users do most at this time", lists, {}, unknown, {}, belongs)

        return self._answer(TRENDING, options, plan)

    def _answer(self, kind: str, options: Options, plan: Callable[[Catalogue], Plan], item: str = "") -> Answer:
        """An answer of one snapshot: where another became current meanwhile, once more."""
        for _ in range(_TRIES):
            catalogue = self._catalogue
            if catalogue.manifest.name != self._store.manifest.name:
                catalogue = self._catalogue = Catalogue(self._store, self._records, self._weights)
            answer = self._of_snapshot(catalogue, kind, options, plan, item)
            if catalogue.manifest.name == self._store.manifest.name:
                break
        return answer

    def _of_snapshot(
        self, catalogue: Catalogue, kind: str, options: Options, plan: Callable[[Catalogue], Plan], item: str
    ) -> Answer:
        surface = catalogue.manifest.surface
        if options.surface != surface:
            message = f"nothing is published on surface {options.surface!r}; there is: {surface}"
            raise Refused(422, "surface", message, "surface")
        require_fields(catalogue, options.fields)
        require_context(options.context)
        request = request_hash(kind, options, item)
        before = [] if options.cursor is None else items_before(options.cursor, request)
        of = plan(catalogue)
        page = Page(catalogue, self._rules, options, of.gone, before, of.features)
        page.removed["unknown_item"] += of.unknown
        if of.pins:
            page.pin(self._rules.pinned.get(surface, {}))
        own = of_segment = filled = 0
        for ranked in of.lists:
            if not own or page.missing > 0:
                own += page.take(ranked())
        if of.fills and options.fill == SEGMENT and of.belongs.segment is not None and page.missing > 0:
            of_segment = page.take(OfSegment(of.belongs.segment))
        if of.fills and options.fill != "never" and page.missing > 0:
            filled = page.take(Popular(catalogue))
        made = Made(of, page, before, own, of_segment, filled)
        return answer_of(made, options, catalogue, request, self._answer_id(), self._policy)

    def _recommended(self, catalogue: Catalogue, request: RecommendRequest) -> Plan:
        was, known = self._done(catalogue, request), self._user(request)
        user, features = _with_list(known), features_of(catalogue, known)
        inside, _ = catalogue.indices_of(request.basket)
        near = Near(was.seeds, catalogue, catalogue.weights.ridge, was.path) if was.seeds else None
        weights, why = catalogue.weights, no_list(request)
        belongs = catalogue.segments.of(features, request.context)
        kind: ServedFrom
        lists: list[Callable[[], Ranked]]
        if user is not None:
            others = but(catalogue, near.liked, was.seeds) if near else _NONE
            kind, why = "personal", of_list(user)
            why += f", moved by {of_just_now(was)}" if near else ""
            lists = [lambda: Fused(catalogue, Listed(user.rows), others, near, weights, whole=request.explain)]
        elif near is not None:
            kind, why = "session", f"{why}; what is known: {of_just_now(was)}"
            others = near_by(near, catalogue, was.seeds)
            lists = [lambda: Fused(catalogue, Listed(), others, near, weights, whole=request.explain)]
        else:
            why += ", and the catalogue has no item of the session" if request.session or request.basket else ""
            of = Impersonal(catalogue, belongs, why)
            kind, why, lists = of.served_from, of.why, of.lists
        return Plan(request.user, kind, why, lists, gone_by(was, inside), was.unknown, features, belongs, pins=True)

    def _ranked(self, catalogue: Catalogue, request: RankRequest) -> Plan:
        was, known = self._done(catalogue, request), self._user(request)
        user, features = _with_list(known), features_of(catalogue, known)
        belongs = catalogue.segments.of(features, request.context)
        inside, _ = catalogue.indices_of(request.basket)
        candidates, unknown = catalogue.indices_of(request.candidates)
        among = np.array(candidates, np.int64)
        rows = Listed(user.rows).among(among, catalogue.table) if user is not None else Listed()
        near = Near(was.seeds, catalogue, catalogue.weights.ridge, was.path) if was.seeds else None
        kind: ServedFrom = "personal" if user is not None else "session"
        name, weights, whole = "session", catalogue.weights, request.explain
        lists: list[Callable[[], Ranked]] = [lambda: Fused(catalogue, rows, among, near, weights, name, whole)]
        if near is None and user is not None and len(rows) < len(among):
            name, recent = "history", recently(user.history, weights)
            near = Near(recent, catalogue, weights.ridge) if recent else None
        if user is not None:
            why = f"{len(rows)} of the candidates are in the list that is published for the user"
        elif near is not None:
            why = f"{no_list(request)}; what is known: {of_just_now(was)}"
        else:
            of = Impersonal(catalogue, belongs, f"{no_list(request)}; the candidates by popularity", candidates)
            kind, why, lists = of.served_from, of.why, of.lists
        gone = gone_by(was, inside)
        return Plan(request.user, kind, why, lists, gone, was.unknown + unknown, features, belongs, fills=False)

    def _near_lists(self, catalogue: Catalogue, seeds: Mapping[int, float], name: str) -> list[Callable[[], Ranked]]:
        near = Near(seeds, catalogue, catalogue.weights.ridge)
        by_basket, by_vector = _ONE_NEAR
        return [
            lambda: Fused(catalogue, Listed(), near.liked, near, by_basket, name),
            lambda: Fused(catalogue, Listed(), near.candidates(MOST_NEAR), near, by_vector, name),
        ]

    def _user(self, request: RecommendRequest) -> UserRecord | None:
        return None if request.user is None else self._store.user(request.user)

    def _done(self, catalogue: Catalogue, request: RecommendRequest) -> Done:
        """What was done just now; what is in the basket was put there last."""
        events = [*request.session, *(SessionEvent(item, "cart") for item in request.basket)]
        now = self._now()
        return done(events, catalogue, catalogue.weights, now, self._lived(request, now))

    def _lived(self, request: RecommendRequest, now: datetime) -> Sequence[Lived]:
        if self._lives is None:
            return ()
        user = request.user
        if user is None and request.session_id is not None:
            user = self._lives.user_of(request.session_id)
        return () if user is None else self._lives.of(user, request.surface, now)


def _with_list(user: UserRecord | None) -> UserRecord | None:
    return user if user is not None and user.rows else None
