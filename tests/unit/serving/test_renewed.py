"""Records that a stream makes anew beside a snapshot: the newest holds, whoever reads meanwhile."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from fuserank.common.calibration import Calibrator
from fuserank.jobs.parts.renewals import unlike
from fuserank.jobs.parts.renewed_lists import reordered
from fuserank.serving.recommend.engine import Recommender
from fuserank.serving.requests import RecommendRequest
from fuserank.serving.store import records as r
from fuserank.serving.store import renewed, snapshot
from fuserank.serving.store.lmdb_store import LmdbStore
from fuserank.stages.fusion.fitted import Fitted
from tests.support.stores import overwrite, user, write_snapshot


def published(root: Path, *users: str) -> Path:
    folder = write_snapshot(root, [user(name) for name in users])
    snapshot.switch(folder.parent, folder.name)
    return folder


def anew(folder: Path, *records: r.UserRecord) -> int:
    return renewed.add(folder, {r.user_key(one.user_id): r.encoded(one) for one in records})


def test_a_store_answers_by_the_newest_record_and_by_none_of_who_was_erased(tmp_path: Path) -> None:
    folder = published(tmp_path, "u1", "u2", "u3")
    with_two = LmdbStore(tmp_path, "home")
    anew(folder, user("u1", 5), user("u2", 6))
    assert with_two.user("u1").rows[0].item_index == 0  # it has not looked yet
    assert not with_two.refresh()  # no other snapshot
    anew(folder, user("u1", 7))
    with_two.refresh()
    first = [with_two.user(name).rows[0].item_index for name in ("u1", "u2", "u3")]
    assert first == [7, 6, 0]
    with_two.forget("u1")
    assert with_two.user("u1") is None
    another = published(tmp_path / "more", "u1")
    assert LmdbStore(tmp_path / "more", "home").user("u1").until is None
    assert not renewed.files(another)
    with_two.close()


def test_some_log_of_the_files_stay_and_hold_all(tmp_path: Path) -> None:
    names = [f"u{n}" for n in range(200)]
    folder = published(tmp_path, *names)
    for n, name in enumerate(names):
        anew(folder, user(name, n))
        assert len(renewed.files(folder)) <= 8
    store = LmdbStore(tmp_path, "home")
    assert [store.user(name).rows[0].item_index for name in names] == list(range(200))
    assert anew(folder, user("u0", 3)) < 200
    store.close()


def test_readers_find_every_record_while_files_are_taken_into_others(tmp_path: Path) -> None:
    folder = published(tmp_path, "u1", "u2")
    anew(folder, user("u1", 1))
    store, seen, end = LmdbStore(tmp_path, "home"), [], threading.Event()

    def read() -> None:
        while not end.is_set():
            store.refresh()
            seen.append((store.problem, store.user("u1").rows[0].item_index))

    reader = threading.Thread(target=read)
    reader.start()
    for n in range(2, 60):
        anew(folder, user("u1", n))
    end.set()
    reader.join()
    assert {problem for problem, _ in seen} == {None}
    first = [item for _, item in seen]
    assert first == sorted(first), "an older record after a newer one"
    store.close()


def test_a_file_that_cannot_be_opened_is_told_and_the_others_answer(tmp_path: Path) -> None:
    folder = published(tmp_path, "u1")
    anew(folder, user("u1", 4))
    store = LmdbStore(tmp_path, "home")
    broken = folder / renewed.FOLDER / "00000009.mdb"
    broken.write_bytes(b"no records")
    store.refresh()
    assert "00000009.mdb cannot be opened" in (store.problem or "")
    assert store.user("u1").rows[0].item_index == 4
    overwrite(broken, b"")
    broken.unlink()
    store.refresh()
    assert store.problem is None
    store.close()


def test_an_answer_says_until_when_its_list_knows(tmp_path: Path) -> None:
    folder = published(tmp_path, "u1")
    store = LmdbStore(tmp_path, "home")
    request = RecommendRequest(user="u1", k=2)
    assert "made anew" not in Recommender(store).recommend(request).why
    anew(folder, r.user_of("u1", list(user("u1").rows), [1.0, None], [3, 1], "2024-06-05"))
    store.refresh()
    assert "made anew of what happened before 2024-06-05" in Recommender(store).recommend(request).why
    store.close()


LINE = Calibrator((0.0, 10.0), (0.0, 1.0), "score")
RANKS = Calibrator((-10.0, 0.0), (0.0, 1.0), "rank")


def fitted(method: str = "weighted") -> Fitted:
    weights = {"als": 0.5, "fnn": 0.5}
    return Fitted(method, ("als", "fnn"), weights, {"als": LINE, "fnn": LINE}, LINE)


def row(item: int, parts: dict[str, float]) -> r.ListRow:
    return r.ListRow(item, sum(parts.values()), 0.1, parts, "als", f"reason of {item}", [f"item:{item}"])


def test_a_list_is_ordered_by_what_the_model_says_now_and_what_fills_it_stays_behind() -> None:
    rows = [row(4, {"als": 0.2, "fnn": 0.4}), row(2, {"als": 0.1, "fnn": 0.1}), row(9, {"popular": 0.9})]
    made = reordered(rows, {4: {"fnn": (1.0, 2.0)}, 2: {"fnn": (9.0, 1.0)}}, fitted(), 60)
    assert [(one.item_index, one.parts) for one in made] == [
        (2, {"als": 0.1, "fnn": 0.45}),
        (4, {"als": 0.2, "fnn": 0.05}),
        (9, {"popular": 0.9}),
    ]
    assert [one.score for one in made] == [0.1 + 0.45, 0.2 + 0.05, 0.9]
    assert made[0].probability == pytest.approx((0.1 + 0.45) / 10)
    assert [one.reason for one in made] == ["reason of 2", "reason of 4", "reason of 9"]


def test_by_reciprocal_ranks_a_model_counts_by_its_rank_and_ties_go_to_the_lower_item() -> None:
    rows = [row(4, {"als": 0.2, "fnn": 1 / 61}), row(2, {"als": 0.2, "fnn": 1 / 62})]
    made = reordered(rows, {4: {"fnn": (1.0, 3.0)}, 2: {"fnn": (1.0, 3.0)}}, fitted("reciprocal_rank"), 60)
    assert [(one.item_index, one.parts["fnn"]) for one in made] == [(2, 1 / 63), (4, 1 / 63)]


def test_what_is_not_as_the_snapshot_has_it_is_named() -> None:
    rows = [row(4, {"als": 0.2, "fnn": 0.4})]
    stored = r.user_of("u1", rows, [1.0, None], [4])
    assert unlike(stored, stored) is None
    other = [r.ListRow(4, 0.61, 0.1, rows[0].parts, "als", "", [])]
    assert unlike(stored, r.user_of("u1", other, [1.0, None], [4])) == "item 4 at 0.61 and has it at 0.6000000000000001"
    assert "features [2.0, None]" in (unlike(stored, r.user_of("u1", rows, [2.0, None], [4])) or "")
    assert "the history [5]" in (unlike(stored, r.user_of("u1", rows, [1.0, None], [5])) or "")
