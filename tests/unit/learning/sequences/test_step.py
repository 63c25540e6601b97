"""An encoder as a graph of ONNX: what torch has next after any history, onnxruntime has too."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from fuserank.common.errors import FuserankError
from fuserank.learning.recommenders.interactions import Interactions
from fuserank.learning.recommenders.state import State
from fuserank.learning.sequences.known import Learned
from fuserank.learning.sequences.member import Scorer, in_order, rows_of
from fuserank.learning.sequences.step import CODES, INPUTS, OUTPUT, graph
from tests.support.family import lines
from tests.support.steps import directions, numbers, small

ITEMS = 20
ENCODERS: list[tuple[str, dict[str, Any]]] = [
    ("sasrec", {"heads": 2}),
    ("sasrec", {"layers": 2, "gated": False}),
    ("gru4rec", {}),
    ("gru4rec", {"cell": "lstm", "layers": 2}),
    ("nextitnet", {"layers": 2}),
    ("nextitnet", {"layers": 1, "types": True, "prices": True}),
    ("gru4rec", {"prices": True}),
]


@pytest.mark.parametrize(("name", "more"), ENCODERS)
def test_a_graph_has_next_what_the_scorer_has_after_histories_of_any_length(name: str, more: dict[str, Any]) -> None:
    import onnxruntime as ort

    cfg, rng = small(name, **more), np.random.default_rng(2)
    net_N, e_ID = numbers(cfg), directions(ITEMS, cfg.factors)
    learned = Learned(np.arange(ITEMS, dtype=np.int32), e_ID, np.zeros(ITEMS, np.float32), net_N)
    scorer = Scorer(State(pa.Table.from_batches(list(rows_of(learned)))), cfg)
    sizes = range(1, cfg.length + 3)  # of the longer ones the last places are looked at
    rows = [
        (size, item, size - n, 0, float(3 * (size - n)))
        for size in sizes
        for n, item in enumerate(rng.permutation(ITEMS)[:size].tolist())
    ]
    table = lines(rows)
    says = rng.integers(0, 8, len(rows))
    table = table.append_column("type", pa.array(says.astype(np.int32)))
    table = table.append_column("price", pa.array((100.0 * says).astype(np.float32)))
    histories = Interactions.of_baskets(table, scorer.items)
    expected_HD, has = scorer.encoded(histories)
    windows, end_B, _ = in_order(histories).last(cfg.length)
    session = ort.InferenceSession(graph(cfg, net_N).content, providers=["CPUExecutionProvider"])
    names = [*INPUTS, *(CODES[name] for name in cfg.reads)]
    assert [one.name for one in (*session.get_inputs(), *session.get_outputs())] == [*names, OUTPUT]
    for b, end in enumerate(end_B):
        vectors_LD = e_ID[windows.item_BL[b, : end + 1]]
        codes = (code_BL[b, : end + 1] for code_BL in (windows.gap_BL, *windows.codes(cfg.reads)))
        inputs = {name: one[None] for name, one in zip(names, (vectors_LD, *codes), strict=True)}
        (found_1D,) = session.run(None, inputs)
        np.testing.assert_allclose(found_1D[0], expected_HD[b], rtol=1e-5, atol=1e-5)
    assert len(has) == len(sizes)


def test_the_same_numbers_are_the_same_bytes_and_name_nothing_of_this_machine() -> None:
    cfg = small("nextitnet", layers=1)
    first, again = (graph(cfg, numbers(cfg)).content for _ in range(2))
    assert first == again
    assert b"fuserank" not in first
    assert b".py" not in first


def test_numbers_of_other_settings_are_refused() -> None:
    net_N = numbers(small())
    for other in (small(factors=32), small(units=2, factors=2)):
        with pytest.raises(FuserankError, match="numbers are no model of these settings; fit it again"):
            graph(other, net_N)


def test_where_no_two_items_of_a_basket_were_learned_from_what_follows_at_once_follows_a_day_later() -> None:
    cfg = small("nextitnet", layers=1)
    assert [graph(cfg, numbers(cfg, learned_at_once=learned)).at_once for learned in (True, False)] == [0, 1]
