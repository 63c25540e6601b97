"""What a step does with its gradients, on tables of a few rows."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fuserank.learning.training.steps import RowWiseAdagrad, clip

ROWS, DEPTH = 6, 4


def tables() -> tuple[nn.Embedding, nn.Embedding]:
    """The same table twice; gradients of the second name rows."""
    torch.manual_seed(1)
    dense, sparse = nn.Embedding(ROWS, DEPTH), nn.Embedding(ROWS, DEPTH, sparse=True)
    sparse.load_state_dict(dense.state_dict())
    return dense, sparse


def loss(table: nn.Embedding, row_N: Tensor) -> Tensor:
    return (table(row_N) * torch.arange(1.0, DEPTH + 1)).pow(2).sum()


def test_gradients_are_cut_to_a_norm_all_together_also_where_they_name_a_row_twice() -> None:
    row_N = torch.tensor([1, 3, 1])
    for table in tables():
        beside = nn.Parameter(torch.tensor([3.0]))
        (loss(table, row_N) + beside.square().sum()).backward()
        dense = [torch.clone(g.to_dense() if g.is_sparse else g) for g in (table.weight.grad, beside.grad)]  # type: ignore[union-attr]
        whole = torch.sqrt(sum((g.square().sum() for g in dense), torch.zeros(())))
        torch.testing.assert_close(clip([table.weight, beside], 0.5), whole)
        for before, after in zip(dense, (table.weight.grad, beside.grad), strict=True):
            assert after is not None
            torch.testing.assert_close(after.to_dense() if after.is_sparse else after, before * 0.5 / whole)


def test_gradients_within_the_norm_stay_to_the_bit() -> None:
    parameter = nn.Parameter(torch.tensor([0.3, -0.4]))
    parameter.grad = torch.tensor([0.3, -0.4])
    clip([parameter], 1.0)
    assert torch.equal(parameter.grad, torch.tensor([0.3, -0.4]))


def test_a_row_moves_by_its_gradient_over_the_root_of_what_its_rows_gradients_were() -> None:
    table, _ = tables()
    optimiser, start = RowWiseAdagrad([table.weight], lr=0.1), table.weight.detach().clone()
    sums = torch.zeros(ROWS)
    for row_N in (torch.tensor([1, 3]), torch.tensor([3])):
        optimiser.zero_grad()
        loss(table, row_N).backward()
        gradient = table.weight.grad
        assert gradient is not None
        sums += gradient.square().mean(1)
        start -= 0.1 * gradient / (sums.sqrt()[:, None] + 1e-8)
        optimiser.step()
    torch.testing.assert_close(table.weight.detach(), start)


def test_gradients_that_name_rows_move_what_whole_ones_move_and_one_number_a_row_is_held() -> None:
    dense, sparse = tables()
    both = [(table, RowWiseAdagrad([table.weight], lr=0.1)) for table in (dense, sparse)]
    for row_N in (torch.tensor([1, 3, 1]), torch.tensor([3, 0])):
        for table, optimiser in both:
            optimiser.zero_grad()
            loss(table, row_N).backward()
            optimiser.step()
    torch.testing.assert_close(sparse.weight, dense.weight)
    assert torch.equal(dense.weight[5], tables()[0].weight[5])
    for table, optimiser in both:
        assert [value.shape for value in optimiser.state[table.weight].values()] == [(ROWS,)]


def test_decay_draws_rows_to_nothing_by_the_learning_rate() -> None:
    table, _ = tables()
    before = table.weight.detach().clone()
    table.weight.grad = torch.zeros_like(table.weight)
    RowWiseAdagrad([table.weight], lr=0.1, weight_decay=2.0).step()
    torch.testing.assert_close(table.weight.detach(), 0.8 * before)
