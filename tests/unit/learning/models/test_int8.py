"""int8 weights: how far they are off, and that both roads through them agree."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from fuserank.common.errors import FuserankError
from fuserank.learning.models.int8 import Lookup, Q8Embedding, Q8Layers, has_bytes, quantise
from fuserank.learning.models.saving import from_arrays


def drawn(*shape: int, seed: int = 3) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed))


def tower(range_W: Tensor) -> tuple[nn.Sequential, Q8Layers]:
    torch.manual_seed(5)
    floats = nn.Sequential(nn.Linear(24, 32), nn.Tanh(), nn.Dropout(0.1), nn.Linear(32, 16), nn.Tanh(), nn.Dropout(0.1))
    return floats.eval(), Q8Layers(floats, range_W)


@pytest.mark.parametrize("dim", [0, 1])
def test_a_weight_is_off_by_half_a_scale_at_most_and_zeros_stay_zeros(dim: int) -> None:
    weight_RD = drawn(40, 24)
    weight_RD[7], weight_RD[:, 3] = 0, 0
    q8, scale = quantise(weight_RD, dim)
    assert q8.dtype == torch.int8
    assert ((q8 * scale - weight_RD).abs() <= scale * 0.5001).all()
    assert not q8[7].any()
    assert (q8.abs().amax(dim=dim) == 127).sum() == scale.numel() - 1  # but for the row, or column, of zeros


@pytest.mark.parametrize(("width", "scales"), [(4, (1, 4)), (16, (50, 1)), (64, (50, 1))])
def test_wide_rows_have_a_scale_each_and_narrow_ones_share_one_by_column(width: int, scales: tuple[int, int]) -> None:
    table = nn.Embedding(50, width)
    small = Q8Embedding(table)
    assert small.scale.shape == scales
    rows = torch.tensor([[3, 49], [0, 3]])
    assert torch.equal(small(rows), (small.q8 * small.scale)[rows])
    torch.testing.assert_close(small(rows), table(rows), atol=0.02, rtol=0)


def test_a_history_is_pooled_as_by_the_floats_of_the_same_table_without_its_padding() -> None:
    small = Q8Embedding(nn.Embedding(50, 16))
    rows = torch.tensor([[3, 7, 49, 3], [49, 49, 49, 49], [8, 1, 2, 3]])
    expected = fn.embedding_bag(rows, small.q8 * small.scale, mode="mean", padding_idx=49)
    assert torch.equal(small.pooled(rows), expected)
    assert not small.pooled(rows)[1].any()
    no_padding = rows[2:]
    torch.testing.assert_close(small.pooled(no_padding), expected[2:])


def test_inputs_of_all_sizes_count_by_their_own_ranges() -> None:
    large = torch.tensor([100.0] * 12 + [0.01] * 12)
    x = drawn(256, 24).clamp(-3, 3) * large / 3
    floats, small = tower(large)
    with torch.no_grad():
        floats[0].weight /= large  # type: ignore[operator]
    small = Q8Layers(floats, large)
    torch.testing.assert_close(small([x]), floats(x), atol=0.04, rtol=0)


@pytest.mark.skipif(not has_bytes(), reason="this processor has no instructions for bytes")
def test_bytes_and_floats_give_the_same_but_for_a_step_of_a_tanh() -> None:
    _, small = tower(torch.ones(24))
    steps = (drawn(512, 24) * 50).clamp(-128, 127).round().add(128).to(torch.uint8)
    by_bytes, by_floats = small.by_bytes(steps), small.by_floats(steps)
    torch.testing.assert_close(by_bytes, by_floats, atol=0.02, rtol=0)
    assert (by_bytes - by_floats).abs().median() < 1e-5


def test_rows_of_a_table_and_of_a_common_part_are_as_their_numbers_side_by_side() -> None:
    _, small = tower(torch.full((24,), 3.0))
    table, common_UD = nn.Embedding(30, 8), drawn(4, 6)
    row_B, of_B = torch.arange(9) * 3, torch.arange(9) % 4
    dense_BF = drawn(9, 10)
    parts = [dense_BF, Lookup(table, row_B), Lookup(common_UD, of_B)]
    together = small([torch.cat([dense_BF, table(row_B), common_UD[of_B]], dim=1)])
    assert torch.equal(small(parts), together)
    assert torch.equal(small(parts), together)  # by what it remembers of the table


def test_weights_of_a_kind_that_is_not_known_are_refused() -> None:
    with pytest.raises(FuserankError, match="'int4', which this version does not know; upgrade"):
        from_arrays({}, {"weights": "int4"})
