"""Members that learn from the order of what was taken: windows, encoders, what they find."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.errors import FuserankError
from fuserank.learning.recommenders import contract
from fuserank.learning.recommenders.content import CONTENT_COLUMNS, Content
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.state import State
from fuserank.learning.sequences import training
from fuserank.learning.sequences.known import Known
from fuserank.learning.sequences.member import in_order
from fuserank.learning.sequences.windows import Sequences, gap_class
from fuserank.registry.sources import recommenders
from tests.support.family import config, in_baskets, pairs

MODELS = ("sasrec", "gru4rec", "nextitnet")
SMALL = {"factors": 16, "epochs": 30, "places": 256, "negatives": 64, "learning_rate": 0.005, "dropout": 0.1}
ITEMS = 24

each = pytest.mark.parametrize("name", MODELS)


def lines(rows: Iterable[tuple[float, ...]]) -> pa.Table:
    """BASKET_COLUMNS of rows (user, item, 1, age); what has one age is in one basket."""
    return in_baskets(pairs(rows))


def walks(users: int = 120, steps: int = 8) -> pa.Table:
    """Users who take items in the order of their numbers, from a start of their own on."""
    rng = np.random.default_rng(5)
    starts = rng.integers(0, ITEMS, users)
    return lines((u, (start + n) % ITEMS, 1, steps - 1 - n) for u, start in enumerate(starts) for n in range(steps))


def learned(name: str, table: pa.Table, content: Content | None = None, **settings: object):
    cfg = config(name, **{**SMALL, **settings})
    source = recommenders()[name]
    rows = pa.Table.from_batches(
        list(source.code("learn")(replace(Interactions.of_baskets(table), content=content), cfg, 3, (0, 1)))
    )
    return rows, source.code("Scorer")(State(rows), cfg)


def first_of(name: str, scorer: object, table: pa.Table) -> dict[int, int]:
    lists = pa.Table.from_batches(list(contract.listed(recommenders()[name], scorer, table, 1)))
    return dict(zip(lists["user_index"].to_pylist(), lists["item_index"].to_pylist(), strict=True))


def test_every_step_of_every_user_is_in_one_window_with_what_was_before_it() -> None:
    rng = np.random.default_rng(1)
    sizes = [0, 1, 2, 5, 13, 40]
    rows = [(u, int(i), 1, float(n)) for u, size in enumerate(sizes) for n, i in enumerate(rng.permutation(50)[:size])]
    sequences = in_order(Interactions.of_baskets(lines(rows)))
    steps = []
    for item_BL, _, next_BL, *_ in sequences.batches(7, 20, rng):
        assert item_BL.shape[0] == 1 or item_BL.size <= 20
        for item_L, next_L in zip(item_BL, next_BL, strict=True):
            real = next_L >= 0
            assert real[: real.sum()].all()
            assert (item_L[1:][real[1:]] == next_L[:-1][real[1:]]).all()
            steps += list(zip(item_L[real].tolist(), next_L[real].tolist(), strict=True))
    items = Interactions.of_baskets(lines(rows)).items
    expected = [
        (int(np.searchsorted(items, a)), int(np.searchsorted(items, b)))
        for u in range(len(sizes))
        for a, b in zip(
            [r[1] for r in rows if r[0] == u][::-1], [r[1] for r in rows if r[0] == u][::-1][1:], strict=False
        )
    ]
    assert sorted(steps) == sorted(expected)


def test_the_last_window_ends_with_the_youngest_and_says_how_long_that_is_ago() -> None:
    table = lines([(1, 5, 1, 30.0), (1, 6, 1, 9.0), (1, 7, 1, 9.0), (2, 7, 1, 0.0)])
    windows, end_B, has = in_order(Interactions.of_baskets(table)).last(2)
    assert has.tolist() == [0, 1]
    assert windows.item_BL.tolist() == [[1, 2], [2, 0]]
    assert end_B.tolist() == [1, 0]
    assert windows.gap_BL.tolist() == [[0, 4], [1, 0]]  # taken together, nine days ago; at the last step


def test_a_gap_is_a_class_more_each_time_it_doubles() -> None:
    gaps = np.array([0, 0.4, 1, 1.9, 2, 3.9, 4, 1e6], np.float32)
    assert gap_class(gaps).tolist() == [0, 1, 1, 1, 2, 2, 3, 11]


def test_of_one_time_the_order_is_that_of_the_items_or_a_drawn_one() -> None:
    interactions = Interactions.of_baskets(lines([(1, i, 1, 3.0) for i in range(30)]))
    assert in_order(interactions).item_N.tolist() == list(range(30))
    drawn = in_order(interactions).drawn(np.random.default_rng(2)).item_N
    assert sorted(drawn.tolist()) == list(range(30)) != drawn.tolist()


@each
def test_a_place_sees_nothing_that_comes_after_it(name: str) -> None:
    import torch

    _, scorer = learned(name, walks(40), epochs=1)
    item = torch.arange(6)[None] % ITEMS
    gap = torch.ones_like(item)
    changed = item.clone()
    changed[0, 4:] = 9
    with torch.inference_mode():
        before, after = (scorer.model.encoded(scorer.vectors_ID, one, gap) for one in (item, changed))
    assert torch.equal(before[0, :4], after[0, :4])
    assert not torch.allclose(before[0, 4], after[0, 4])


@each
def test_what_is_always_next_is_first_whoever_stands_beside(name: str) -> None:
    table = walks()
    _, scorer = learned(name, table)
    recent = lines(
        [(900, 3, 1, 2.0), (900, 4, 1, 1.0), (900, 5, 1, 0.0), (901, 20, 1, 0.0), (902, 5, 1, 0.0), (902, 4, 1, 9.0)]
    )
    both = first_of(name, scorer, recent)
    assert (both[900], both[901], both[902]) == (6, 21, 6)
    alone = pa.Table.from_pandas(recent.to_pandas().query("user_index == 900"), preserve_index=False)
    histories = [Interactions.of_baskets(one, scorer.items) for one in (recent, alone)]
    of_both, of_one = (scorer.encoded(one)[0][0] for one in histories)
    np.testing.assert_allclose(of_both, of_one, rtol=1e-5, atol=1e-5)


@each
def test_the_same_seed_learns_the_same_bytes(name: str) -> None:
    first, again = (learned(name, walks(30), epochs=2)[0] for _ in range(2))
    assert first.equals(again)


def test_the_loss_of_gru4rec_finds_it_too() -> None:
    _, scorer = learned("gru4rec", walks(), loss="bpr_max", temperature=0.2)
    assert first_of("gru4rec", scorer, lines([(900, 3, 1, 1.0), (900, 4, 1, 0.0)])) == {900: 5}


def test_lstm_units_find_it_too() -> None:
    _, scorer = learned("gru4rec", walks(), cell="lstm")
    assert first_of("gru4rec", scorer, lines([(900, 3, 1, 1.0), (900, 4, 1, 0.0)])) == {900: 5}


def test_an_item_that_nobody_took_is_near_to_what_is_like_it() -> None:
    values = [("item", i, "kind", str(i % 6)) for i in range(ITEMS)] + [("item", 99, "kind", "3")]
    content = Content(pa.table(dict(zip(CONTENT_COLUMNS, map(list, zip(*values, strict=True)), strict=True))))
    content = Content(content.table.set_column(1, "index", content.table["index"].cast(pa.int32())))
    _, scorer = learned("sasrec", walks(), content)
    assert 99 in scorer.items
    cosine = scorer.e_ID @ scorer.e_ID[np.searchsorted(scorer.items, 99)]
    kinds = np.array([int(i) % 6 == 3 for i in scorer.items[:-1]])
    assert cosine[:-1][kinds].min() > cosine[:-1][~kinds].max()
    without, _ = learned("sasrec", walks(), content, attributes=0.0)
    assert 99 not in State(without).vectors("item")[0]


def test_steps_that_diverge_say_what_to_lower() -> None:
    with pytest.raises(FuserankError, match="lower learning_rate"):
        learned("nextitnet", walks(30), learning_rate=1e30, epochs=3)
    with pytest.raises(FuserankError, match=r"the last step left .*; lower learning_rate or embedding_rate"):
        learned("nextitnet", walks(30), embedding_rate=1e40, epochs=1, places=10**6)  # which is one step


def test_little_state_a_warm_up_and_gradients_that_are_cut_find_it_too() -> None:
    less = {"embedding_optimiser": "rowwise_adagrad", "embedding_rate": 40.0, "warmup_steps": 20, "clip_norm": 1.0}
    _, scorer = learned("nextitnet", walks(), **less)
    assert first_of("nextitnet", scorer, lines([(900, 3, 1, 1.0), (900, 4, 1, 0.0)])) == {900: 5}


@pytest.mark.parametrize("negatives_from", ["uniform", "batch", "both"])
def test_it_is_found_whatever_it_is_told_from(negatives_from: str) -> None:
    _, scorer = learned("nextitnet", walks(), negatives_from=negatives_from)
    assert first_of("nextitnet", scorer, lines([(900, 3, 1, 1.0), (900, 4, 1, 0.0)])) == {900: 5}


def test_items_that_few_took_share_ids_by_a_hash_or_have_none() -> None:
    table = lines([(u, u % 3, 1, 1.0) for u in range(30)] + [(u, 10 + u, 1, 0.0) for u in range(30)])
    for shared, wanted in ((0, 1), (4, 4)):
        _, scorer = learned("nextitnet", table, epochs=1, min_takers=2, rare_rows=shared)
        assert len(np.unique(scorer.e_ID[scorer.items < 10], axis=0)) == 3
        assert len(np.unique(scorer.e_ID[scorer.items >= 10], axis=0)) == wanted


def test_minutes_that_are_over_end_a_training_with_what_it_has_learned() -> None:
    found = Interactions.of_baskets(walks())
    cfg = config("nextitnet", **{**SMALL, "minutes": 1.0})
    takers = np.bincount(found.weight.indices, minlength=len(found.items))
    known, reports = Known.of(found.items, takers, takers, None, cfg), list[dict[str, object]]()
    clock = itertools.count(0.0, 20.0).__next__  # a step takes twenty seconds
    made = training.learned(training.Held(in_order(found), cfg, 3), known, cfg, 3, report=reports.append, clock=clock)
    assert reports[-1] == {"minutes": 1.0, "step": 3}
    assert np.isfinite(made.e_ID).all()


def test_a_history_of_a_hundred_thousand_and_one_of_nothing_are_windows_like_others() -> None:
    many = 100_000
    starts_U = np.array([0, 0, 1, 1 + many])  # nothing, one, very many
    item_N = np.arange(1 + many) % ITEMS
    sequences = Sequences(item_N, np.ones_like(item_N), np.ones(1 + many, bool), starts_U)
    batches = list(sequences.batches(50, 2048, np.random.default_rng(1)))
    assert sum(batch.steps for batch in batches) == many - 1
    assert max(batch.item_BL.size for batch in batches) <= 2048
    last, end_B, has = sequences.last(50)
    assert (has.tolist(), end_B.tolist()) == ([1, 2], [0, 49])
    assert last.item_BL[1].tolist() == item_N[-50:].tolist()


def test_numbers_of_other_settings_are_refused() -> None:
    rows, _ = learned("gru4rec", walks(30), epochs=1)
    with pytest.raises(FuserankError, match="no model of these settings"):
        recommenders()["gru4rec"].code("Scorer")(State(rows), config("gru4rec", **{**SMALL, "units": 512}))
