"""One battery for every member of the retrieval family, by the numpy contract.

A new member is tested by its declaration.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from fuserank.common.errors import FuserankError
from fuserank.learning.recommenders import contract
from fuserank.learning.recommenders.best import Best
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.registry.sources import recommenders
from tests.support.family import (
    ITEMS,
    SETTINGS,
    Fitted,
    Lists,
    checkerboard,
    close,
    config,
    fit,
    fitted,
    histories,
    only,
    pairs,
    planted,
    recall,
    rows_of,
)

RECOMMENDERS = recommenders().names
# says the same to all (beyond what a user had): no taste to find, and a list for users of whom nothing is known
IMPERSONAL = {"popular", "personal_top", "intervals"}
OF_ALL = IMPERSONAL | {"segment_popularity", "counting", "two_heads"}  # have a list for users of whom nothing is known
NOT_OF_OTHERS = {"content"}  # looks at what items are, not at who else took them
ONLY_USERS_OF_THE_FIT = {"user_cf"}  # learns of users, not of items: one who came later has no neighbours, and no list
# keep something of each user of the fit, and list for one who is asked for without a history
KNOW_THEIR_USERS = {"bpr", "deep_bpr", "two_tower", "user_cf", "kg"}
PERSONAL = [name for name in RECOMMENDERS if name not in IMPERSONAL]
# for a user with 20,000 items
MUCH: dict[str, dict[str, Any]] = {
    "ease": {"memory_gb": 1.0},
    "bpr": {"epochs": 3},
    "ials": {"iterations": 2},
    "two_tower": {"epochs": 1},
    "deep_bpr": {"epochs": 3, "deep_epochs": 1},
    **{name: {"epochs": 1} for name in ("sasrec", "gru4rec", "nextitnet")},
}
# for a dozen users, of whom an epoch is one step
FEW: dict[str, dict[str, Any]] = {name: {"epochs": 40} for name in ("sasrec", "gru4rec", "nextitnet")}
FLOOR = 0.5  # of recall@10; chance within the taste gives 0.7, popularity 0.1

each = pytest.mark.parametrize("name", RECOMMENDERS)
each_personal = pytest.mark.parametrize("name", PERSONAL)


@functools.cache
def with_ages(name: str) -> Fitted:
    """On the planted tastes, what is old counting less, where the member has a setting for that."""
    ages = {"half_life": 9.0, "closeness": 5.0, "backward": 0.5}
    known = {key: value for key, value in ages.items() if key in recommenders()[name].settings.model_fields}
    return fit(name, planted()[0], config(name, **known)) if known else fitted(name)


@functools.cache
def listed(name: str) -> Lists:
    """On the planted tastes, the lists of the users that were there."""
    return fitted(name).lists(planted()[0])


@functools.cache
def whole(name: str, exclude_seen: bool) -> Lists:
    """The same by age, as long as there are items."""
    return with_ages(name).lists(planted()[0], 10 * ITEMS, exclude_seen)


@each_personal
def test_a_checkerboard_is_solved(name: str) -> None:
    board = pairs(checkerboard())
    found = fit(name, board).lists(board, k=1)
    assert {user: ranked[0][0] % 2 for user, ranked in found.items()} == {user: user % 2 for user in range(20)}


@each_personal
def test_a_planted_pattern_is_learned(name: str) -> None:
    _, held = planted()
    found = recall(listed(name), held)
    assert found > FLOOR
    assert found > 3 * recall(listed("popular"), held)


@each
def test_users_who_came_after_the_fit_are_served_by_their_history(name: str) -> None:
    taken, held = planted()
    later = pairs((user + 10_000, item) for user, items in histories(taken).items() for item in items)
    found = fitted(name).lists(later)
    if name in ONLY_USERS_OF_THE_FIT:
        assert found == {}
    elif name in IMPERSONAL:
        assert found == {user + 10_000: ranked for user, ranked in listed(name).items()}
    else:
        assert recall(found, {user + 10_000: item for user, item in held.items()}) > FLOOR


@each
def test_unknown_items_of_a_history_change_nothing(name: str) -> None:
    taken, _ = planted()
    unknown = [(user, item, 5, 0) for user in histories(taken) for item in (0, 5, 200, 1_000_000)]
    strange = pairs([*rows_of(taken), *unknown])
    assert fitted(name).lists(strange) == listed(name)


@each
def test_users_of_whom_nothing_is_known_get_no_list_and_change_no_other(name: str) -> None:
    taken, _ = planted()
    strangers = [(user, 1_000_000, 5, 0) for user in (0, 8, 50, 10_000)]
    history = pairs([*rows_of(taken), *strangers])
    found = fitted(name).lists(history)
    theirs = {user: found.pop(user) for user, *_ in strangers if user in found}
    close(found, listed(name))  # in another place of the block their last bits may differ
    assert set(theirs) == ({0, 8, 50, 10_000} if name in OF_ALL else set())


@each
def test_a_known_user_without_a_history_is_no_error(name: str) -> None:
    found = fitted(name).lists(pairs([(7, 1_000_000), (9, 1_000_000), (9, 4)]))  # 7: only an unknown item
    assert len(found[9]) == 10
    assert len(found.get(7, [])) == (10 if name in KNOW_THEIR_USERS | OF_ALL else 0)


@each
def test_lists_are_the_first_k_of_all_that_is_scored_less_what_was_seen(name: str) -> None:
    taken, _ = planted()
    seen, fit_ = histories(taken), with_ages(name)
    allowed = whole(name, exclude_seen=False)
    assert all(seen[user] & {item for item, _ in ranked} for user, ranked in allowed.items())  # they are listed
    unseen = {user: [one for one in ranked if one[0] not in seen[user]] for user, ranked in allowed.items()}
    assert whole(name, exclude_seen=True) == unseen
    for k in (1, 7):
        assert fit_.lists(taken, k) == {user: ranked[:k] for user, ranked in unseen.items()}
        assert fit_.lists(taken, k, exclude_seen=False) == {user: ranked[:k] for user, ranked in allowed.items()}
    assert {user: len(ranked[:7]) for user, ranked in unseen.items()} == dict.fromkeys(seen, 7)


@each
@pytest.mark.parametrize("step", [2, 31, 3 * ITEMS])
def test_lists_among_some_items_are_those_of_all_without_the_others(name: str, step: int) -> None:
    taken, _ = planted()
    among = np.arange(4, 1000, step, dtype=np.int32)  # half of the items, four of them, one; and some that nobody has
    for exclude_seen in (True, False):
        chosen = set(among.tolist())
        wanted = {
            user: [one for one in ranked if one[0] in chosen] for user, ranked in whole(name, exclude_seen).items()
        }
        for k in (1, 7, ITEMS):
            found = with_ages(name).lists(taken, k, exclude_seen, among=among)
            assert found == {user: ranked[:k] for user, ranked in wanted.items() if ranked}
    assert with_ages(name).lists(taken, among=np.array([5, 1_000_000], np.int32)) == {}


@each
def test_lists_of_what_a_user_had_are_those_of_all_without_the_others(name: str) -> None:
    taken, _ = planted()
    seen, fit_ = histories(taken), with_ages(name)
    own = {user: [one for one in ranked if one[0] in seen[user]] for user, ranked in whole(name, False).items()}
    for k in (1, 7):
        found = fit_.lists(taken, k, exclude_seen=False, only_seen=True)
        close(found, {user: ranked[:k] for user, ranked in own.items() if ranked})
    among = np.arange(4, 1000, 31, dtype=np.int32)
    some = {user: [one for one in ranked if one[0] in set(among.tolist())] for user, ranked in own.items()}
    found = fit_.lists(taken, exclude_seen=False, among=among, only_seen=True)
    close(found, {user: ranked for user, ranked in some.items() if ranked})
    with pytest.raises(ValueError, match="cannot leave out what was taken, and hold nothing else"):
        fit_.lists(taken, only_seen=True)


@each
def test_lists_are_equal_after_save_and_load_in_any_order_of_rows(name: str, tmp_path: Path) -> None:
    taken, _ = planted()
    fit_ = with_ages(name)
    shuffled = fit_.rows.take(pa.array(np.random.default_rng(3).permutation(fit_.rows.num_rows)))
    pq.write_table(shuffled, tmp_path / "rows.parquet", row_group_size=50)
    loaded = Fitted(fit_.source, fit_.cfg, pq.read_table(tmp_path / "rows.parquet"))
    assert loaded.lists(taken) == fit_.lists(taken)


@each
def test_settings_come_back_from_their_dump_and_refuse_what_they_do_not_know(name: str) -> None:
    cls = recommenders()[name].settings
    tried = [
        {field: choice}
        for field, info in cls.model_fields.items()
        if isinstance(info.json_schema_extra, dict)
        for choice in info.json_schema_extra.get("tune", [])  # type: ignore[union-attr]
    ]
    for settings in ({}, SETTINGS.get(name, {}), *tried):
        cfg = cls.model_validate(settings)
        assert cls.model_validate(cfg.model_dump()) == cfg
        assert cls.model_validate_json(cfg.model_dump_json()) == cfg
    with pytest.raises(ValidationError, match="Extra inputs are not permitted"):
        cls.model_validate({"no_such_setting": 1})


def test_a_name_that_no_member_has_is_answered_with_those_that_there_are() -> None:
    with pytest.raises(FuserankError, match=r"no recommender 'als2'; did you mean 'ials'. there are: popular, item_cf"):
        recommenders()["als2"]
    assert [recommenders()[name].name for name in RECOMMENDERS] == list(RECOMMENDERS)


@pytest.mark.parametrize(
    "name", [name for name in PERSONAL if "half_life" in recommenders()[name].settings.model_fields]
)
def test_a_history_of_which_all_is_old_says_what_it_said_when_it_was_young(name: str) -> None:
    taken, _ = planted()
    fit_ = fit(name, taken, config(name, half_life=2.0))
    young, old = (fit_.lists(pairs((u, i, w, age + more) for u, i, w, age in rows_of(taken))) for more in (0, 1000))
    assert {u: [i for i, _ in ranked] for u, ranked in old.items()} == {
        u: [i for i, _ in ranked] for u, ranked in young.items()
    }


@each
def test_one_seed_gives_the_same_bytes_again(name: str) -> None:
    taken, _ = planted()
    again = fit(name, taken)
    assert stored(again.rows) == stored(fitted(name).rows)
    assert again.lists(taken) == listed(name)


def stored(table: pa.Table) -> bytes:
    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table.combine_chunks())
    return bytes(sink.getvalue())


@each
def test_the_order_of_the_pairs_does_not_matter(name: str) -> None:
    taken, _ = planted()
    shuffled = taken.take(pa.array(np.random.default_rng(4).permutation(taken.num_rows)))
    assert stored(fit(name, shuffled).rows) == stored(fitted(name).rows)


@each
def test_one_user_at_a_time_gets_the_lists_of_the_batch(name: str) -> None:
    taken, _ = planted()
    fit_ = with_ages(name)
    some = range(7, 67, 2)
    batch = {user: ranked for user, ranked in fit_.lists(taken).items() if user in some}
    assert len(batch) == 30
    for at_once in (1, 7, 1000):
        close(fit_.lists(only(taken, *some), at_once=at_once), batch)


@each
def test_ties_too_fall_alike_for_a_user_alone_and_in_a_batch(name: str) -> None:
    board = pairs(checkerboard())
    fit_ = fit(name, board)
    close(fit_.lists(board, at_once=1), fit_.lists(board))


@pytest.mark.parametrize("name", [source.name for source in recommenders() if source.by_blocks])
def test_blocks_are_learned_apart_as_together(name: str) -> None:
    taken = pairs(checkerboard())
    one = fit(name, taken)
    for blocks in (3, 30):  # of the latter some are empty
        parts = fit(name, taken, blocks=blocks)
        assert as_set(parts) == as_set(one)
        assert parts.rows.num_rows == one.rows.num_rows
        assert parts.lists(taken) == one.lists(taken)


def as_set(fit_: Fitted) -> set[Any]:
    return {(*row, tuple(vector)) for *row, vector in rows_of(fit_.rows)}


BAD_INPUT: dict[str, list[tuple[int, int]]] = {
    "one pair": [(0, 0)],
    "users with one item each": [(user, user % 3) for user in range(9)],
    "one item": [(user, 0) for user in range(9)],
    "one user": [(0, item) for item in range(9)],
    "users alike": [(user, item) for user in range(9) for item in range(5)],
    "users with nothing in common": [(user, 10 * user + item) for user in range(9) for item in range(3)],
}


@each
@pytest.mark.parametrize("case", BAD_INPUT)
def test_bad_input_gives_sound_lists(name: str, case: str) -> None:
    taken = pairs(BAD_INPUT[case])
    fit_ = fit(name, taken, recommenders()[name].settings())  # the defaults are larger than all of it
    assert np.isfinite(fit_.rows.column("value").to_numpy()).all()
    assert set(fit_.lists(taken)) <= set(histories(taken))
    fit_.lists(taken, exclude_seen=False)
    fit_.lists(pairs([(0, 0), (0, 77), (99, 0), (100, 77)]))


@pytest.mark.parametrize("name", [name for name in PERSONAL if name not in NOT_OF_OTHERS])
def test_who_took_what_others_took_gets_the_rest_of_it(name: str) -> None:
    """Two groups who took all of their own five items; one of each group, known and unknown, lacks the last ones."""
    groups = [(user, item) for user in range(12) for item in range(5 * (user % 2), 5 * (user % 2) + 5)]
    history = pairs([pair for pair in groups if pair not in {(0, 3), (0, 4), (1, 8), (1, 9)}])
    fit_ = fit(name, history, config(name, **FEW.get(name, {})))
    found = fit_.lists(history, k=2)
    assert {user: {item for item, _ in found[user]} for user in (0, 1)} == {0: {3, 4}, 1: {8, 9}}


@each
def test_no_pairs_at_all_give_no_lists(name: str) -> None:
    nothing = pairs([])
    fit_ = fit(name, nothing, recommenders()[name].settings())
    assert fit_.lists(pairs([(0, 0), (1, 5)])) == {}
    assert fit_.lists(nothing) == {}
    assert fitted(name).lists(nothing) == {}


@each
def test_pairs_that_stand_twice_are_refused(name: str) -> None:
    twice = pairs([(0, 0), (0, 1), (1, 1), (0, 1)])
    with pytest.raises(ValueError, match="pairs of a user and an item stand twice; they must be unique"):
        fit(name, twice)
    with pytest.raises(ValueError, match="stand twice"):
        fitted(name).lists(pairs([(7, 4), (7, 4)]))


@functools.cache
def much() -> pa.Table:
    """A user with 20,000 of 20,400 items, and 50 with 21 each."""
    few = [(user, item) for user in range(1, 51) for item in range(8 * user, 20_400, 970)]
    return pairs([*((0, item) for item in range(20_000)), *few])


@each
def test_a_user_with_twenty_thousand_items_is_no_obstacle(name: str) -> None:
    cfg = config(name, **MUCH.get(name, {}))
    if name == "ease":
        with pytest.raises(
            FuserankError, match=r"ease needs 1\.6 GB for 20,0.. items squared, and ease.memory_gb is 1"
        ):
            fit(name, much(), cfg)
        return
    blocks = 40 if name == "item_cf" else 1  # its first block is enough to see that it ends
    found = fit(name, much(), cfg, blocks=blocks, first=1).lists(much())
    assert {len(ranked) for user, ranked in found.items() if user} == {10}
    assert blocks > 1 or set(range(1, 51)) <= set(found)


class _Counting:
    """A scorer of a million items that says how many users it was asked for at once."""

    items = np.arange(1_000_000, dtype=np.int32)

    def __init__(self) -> None:
        self.users: list[int] = []

    def best(self, interactions: Interactions, k: int, exclude_seen: bool) -> Best:
        self.users.append(len(interactions.users))
        return Best.of(np.full((len(interactions.users), k), 7), np.ones((len(interactions.users), k), np.float32))


def test_of_a_million_items_so_few_users_are_asked_for_at_once_that_dense_scores_fit() -> None:
    scorer, histories_of = _Counting(), pairs((user, 3 * user) for user in range(1000))
    listed = list(contract.listed(recommenders()["ials"], scorer, histories_of, 1))
    assert sum(batch.num_rows for batch in listed) == sum(scorer.users) == 1000
    assert max(scorer.users) * len(scorer.items) * 4 <= 256e6
