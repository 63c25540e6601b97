"""A sequence model's step in the service: what comes next after a session comes first, and where it can't be taken."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from fuserank.learning.sequences.step import ahead
from fuserank.serving.recommend import step as steps
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.recommend.session import done
from fuserank.serving.recommend.weights import SessionWeights
from fuserank.serving.requests import Answer, RankRequest, RecommendRequest, SessionEvent
from fuserank.serving.store import records as r
from fuserank.serving.store import snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from tests.support.service import running
from tests.support.steps import Made, at_random, counting
from tests.support.stores import SURFACE, item, user, write_snapshot

ITEMS, NOW = 24, datetime(2024, 6, 3, 12, tzinfo=UTC)
ALONE = SessionWeights(co_purchase=0.0, als=0.0, sequence=1.0)


def stored(root: Path, made: Made | None, **more: Any) -> LmdbStore:
    """A store whose items have no neighbours, with a list of items 0 to 5 for user a."""
    items = [r.item_of(n, f"i{n}", f"thing {n}", {}) for n in range(ITEMS + 1)]  # the model does not know the last one
    own = {"items": items, "vectors": False, **more}
    if made is not None:
        own |= {"step": (made.content, made.items_IE), "at_once": made.at_once}
    folder = write_snapshot(root, [user("a", 0, 6)], popular=[2, 0, 1], **own)
    snapshot.switch(folder.parent, folder.name)
    return LmdbStore(root, SURFACE)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LmdbStore]:
    found = stored(tmp_path_factory.mktemp("store"), counting())
    yield found
    found.close()


def engine(store: LmdbStore, weights: SessionWeights | None = ALONE) -> Recommender:
    return Recommender(store, now=lambda: NOW, weights=weights, answer_id=lambda: "answer")


def after(*items: int, **more: Any) -> RecommendRequest:
    return RecommendRequest(session=[SessionEvent(f"i{n}") for n in items], k=3, explain=True, **more)


def ids(answer: Answer) -> list[str]:
    return [one.item for one in answer.items]


def test_what_follows_a_session_comes_first_with_its_part_and_reason(store: LmdbStore) -> None:
    answer = engine(store).recommend(after(3, 4, 5))
    first = answer.items[0]
    assert (answer.served_from, first.item, first.reason_code) == ("session", "i6", "session_sequence")
    assert first.reason == "Often next after thing 5, thing 4, thing 3, of just now"
    assert first.evidence == ["item:i5", "item:i4", "item:i3"]
    assert all(sum((one.parts or {}).values()) == pytest.approx(one.score, abs=1e-9) for one in answer.items)
    assert first.parts == {"session_co_purchase": 0.0, "session_als": 0.0, "session_sequence": first.score}
    assert 0.5 < first.score <= 1.0


def test_it_moves_a_published_list_and_ranks_candidates(store: LmdbStore) -> None:
    personal = engine(store).recommend(after(3, user="a"))
    assert (ids(personal)[0], personal.served_from) == ("i4", "personal")
    first = personal.items[0]
    assert first.reason_code == "session_sequence"
    assert {"als", "popular", "session_sequence"} < {*(first.parts or {})}
    ranked = engine(store).rank(RankRequest(session=[SessionEvent("i9")], candidates=["i2", "i24", "i10"], k=3))
    assert ids(ranked)[0] == "i10"


def test_the_last_of_a_session_is_the_latest_by_its_times(store: LmdbStore) -> None:
    events = [SessionEvent("i8", at="2024-06-03T11:00:00Z"), SessionEvent("i15", at="2024-06-03T10:00:00Z")]
    request = RecommendRequest(session=[*events, SessionEvent("i15", at="2024-06-02T23:00:00+00:00")], k=1)
    assert ids(engine(store).recommend(request)) == ["i9"]


@pytest.mark.parametrize("between", ["nothing", "i24"])
def test_items_that_are_disliked_or_that_the_model_does_not_know_are_passed_over(
    store: LmdbStore, between: str
) -> None:
    events = [SessionEvent("i4"), SessionEvent("i5"), SessionEvent(between), SessionEvent("i12", "dislike")]
    answer = engine(store).recommend(RecommendRequest(session=events, k=3, explain=True))
    assert ids(answer)[0] == "i6"
    assert answer.items[0].evidence == ["item:i5", "item:i4"]
    nothing = engine(store).recommend(RecommendRequest(session=[SessionEvent("i24"), SessionEvent("i1", "dislike")]))
    assert all(one.reason_code != "session_sequence" for one in nothing.items)


def test_days_between_are_gaps_as_the_model_learned_them() -> None:
    made = at_random(ITEMS)
    nothing = r.File("", 0, "", 0)
    step = steps.Step(r.Step("gru4rec", nothing, nothing, made.cfg.length, 0), made.content, made.items_IE)
    path = steps.Path([3, 99, 5, 3, 7], [-9, -9, -4, 0, 0])
    known = step.known(path)
    assert known == steps.Path([3, 5, 3, 7], [-9, -4, 0, 0])
    assert step.known(steps.Path(range(10), [0] * 10)).items == [4, 5, 6, 7, 8, 9]
    q_D = ahead(made.cfg, made.net_N, made.items_IE[[3, 5, 3, 7], :-1], np.array([3, 3, 0, 0]))  # 5 days, 4, none, none
    np.testing.assert_allclose(step.ahead(known), [*(q_D / np.linalg.norm(q_D)), 1], rtol=1e-5, atol=1e-5)


def test_what_was_done_and_what_items_cost_go_into_a_step_that_reads_it() -> None:
    made = at_random(ITEMS, types=True, prices=True)
    nothing, price_I = r.File("", 0, "", 0), np.arange(ITEMS) % 7
    items_IE = np.column_stack([made.items_IE, price_I]).astype(np.float32)
    step = steps.Step(r.Step("gru4rec", nothing, nothing, made.cfg.length, 0), made.content, items_IE)
    path = step.known(steps.Path([3, 99, 5], [0, 0, 0], [1, 4, 3]))
    assert path == steps.Path([3, 5], [0, 0], [1, 3])
    for of, types in ((path, [1, 3]), (steps.Path(path.items, path.days), [0, 0])):
        codes = np.array([[0, 0], types, price_I[[3, 5]]])
        q_D = ahead(made.cfg, made.net_N, made.items_IE[[3, 5], :-1], *codes)
        np.testing.assert_allclose(step.ahead(of), [*(q_D / np.linalg.norm(q_D)), 1], rtol=1e-5, atol=1e-5)
    assert step.nearest(step.ahead(path), 3).max() < ITEMS


def test_a_session_says_of_an_item_what_was_done_with_it_that_says_most(store: LmdbStore) -> None:
    did = [("i3", "cart"), ("i4", "view"), ("i3", "view"), ("i5", "dislike"), ("i6", "purchase")]
    events = [SessionEvent(item, role) for item, role in did]
    assert done(events, engine(store)._catalogue, ALONE, NOW).path == steps.Path([4, 3, 6], [0, 0, 0], [1, 3, 4])


def test_the_nearest_are_those_with_the_highest_scores_of_the_most_popular(monkeypatch: pytest.MonkeyPatch) -> None:
    made = at_random(200)
    items_IE = made.items_IE.copy()
    items_IE[::7] = 0
    items_IE[12] = items_IE[11]
    nothing, towards = r.File("", 0, "", 0), np.append(items_IE[11, :-1], np.float32(1))
    of = r.Step("gru4rec", nothing, nothing, made.cfg.length, 0)
    step = steps.Step(of, made.content, items_IE)
    scores = step.scores(np.arange(210), towards)
    assert (scores[::7] == 0).all()
    assert (scores[200:] == 0).all()
    assert scores == pytest.approx(np.append(np.clip(items_IE @ towards, 0, 1), np.zeros(10)), abs=1e-6)
    order = np.lexsort((np.arange(210), -scores))
    assert step.nearest(towards, 5).tolist() == order[:5].tolist()
    assert step.nearest(towards, 200).tolist() == order[scores[order] > 0].tolist()
    monkeypatch.setattr(steps, "_AMONG", 40 * items_IE.shape[1])
    few = steps.Step(of, made.content, items_IE).nearest(towards, 200)
    most_popular = np.flatnonzero(items_IE[:, :-1].any(axis=1))[:40]
    assert few.tolist() == [index for index in order.tolist() if scores[index] > 0 and index in most_popular]


def test_a_step_that_counts_nothing_changes_nothing(store: LmdbStore, tmp_path: Path) -> None:
    without = stored(tmp_path, None)
    for weights in (None, SessionWeights(), SessionWeights(co_purchase=0.0, als=0.0)):
        for request in (after(3, 4), after(3, user="a")):
            found, expected = (engine(of, weights).recommend(request) for of in (store, without))
            assert found == expected
    beside = SessionWeights(sequence=0.5)
    assert engine(without, beside).recommend(after(3, user="a")) == engine(without, None).recommend(after(3, user="a"))
    without.close()


def _without_onnxruntime(monkeypatch: pytest.MonkeyPatch, made: Made) -> Made:
    find = importlib.util.find_spec
    monkeypatch.setattr(steps, "find_spec", lambda name: None if name == "onnxruntime" else find(name))
    return made


def _no_graph(monkeypatch: pytest.MonkeyPatch, made: Made) -> Made:
    return made._replace(content=b"no graph")


@pytest.mark.parametrize(
    ("spoilt", "words"),
    [(_without_onnxruntime, "onnxruntime is not installed here"), (_no_graph, "onnxruntime does not load it")],
)
def test_a_step_that_cannot_be_taken_is_named_once_and_counted_and_lists_come_without_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, spoilt: Callable[..., Made], words: str
) -> None:
    fit = r.SessionFit(0.5, 0.0, 100, "2024-05-06", "2024-06-03", 0.2, 0.1, 0.3, 0.1, sequence=0.5)
    one = stored(tmp_path, spoilt(monkeypatch, counting()), session=fit, items=[item(n) for n in range(10)])
    found = engine(one, None)
    assert f"the step of gru4rec is not taken: {words}" in (found.without_step or "")
    assert found.recommend(after(3)) == engine(one, SessionWeights()).recommend(after(3))
    one.close()
    with running(tmp_path) as service:
        assert service.ask("GET", "/v1/users/a/recommendations?k=2").status == 200
        assert b"fuserank_snapshot_without_step 1.0" in service.ask("GET", "/metrics").body
    lines = service.lines("step")
    assert [(line["level"], words in line["message"]) for line in lines] == [("warning", True)]


def test_a_snapshot_s_own_weights_take_the_step(tmp_path: Path) -> None:
    fit = r.SessionFit(0.0, 0.0, 100, "2024-05-06", "2024-06-03", 0.2, 0.1, 0.3, 0.1, sequence=1.0)
    one = stored(tmp_path, counting(), session=fit)
    assert ids(engine(one, None).recommend(after(5)))[0] == "i6"
    assert engine(one, None).without_step is None
    one.close()
