"""What a step does with its gradients: cut them, and move weights by them with little state."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, cast

import torch
from torch import Tensor
from torch.optim import Optimizer

_EPSILON = 1e-8


def clip(parameters: Iterable[Tensor], norm: float) -> Tensor:
    """Cut the gradients, all together, to a norm (Pascanu, Mikolov, Bengio, ICML 2013, algorithm 1); gives theirs from
    before. Those that name rows count by what stands in their rows.
    """
    held = [parameter for parameter in parameters if parameter.grad is not None]
    for parameter in held:
        if parameter.grad is not None and parameter.grad.is_sparse:
            parameter.grad = parameter.grad.coalesce()  # a row that stands twice is one gradient
    values = [_numbers(parameter.grad) for parameter in held if parameter.grad is not None]
    if not values:
        return torch.zeros(())
    before = torch.linalg.vector_norm(torch.stack([torch.linalg.vector_norm(one) for one in values]))
    share = (norm / (before + 1e-6)).clamp(max=1.0)
    for one in values:
        one.mul_(share)
    return before


def _numbers(gradient: Tensor) -> Tensor:
    return gradient._values() if gradient.is_sparse else gradient


class RowWiseAdagrad(Optimizer):
    """Adagrad with one number for each row of a table in place of one for each of its weights (Mudigere et al., ISCA
    2022): G_r += mean_d g_rd², w_r −= η · g_r / (√G_r + ε), after w_r −= η · decay · w_r. Gradients may name rows: then
    only these move, and only their state changes.
    """

    def __init__(self, tables: Iterable[Tensor], lr: float, weight_decay: float = 0.0) -> None:
        super().__init__(tables, {"lr": lr, "weight_decay": weight_decay})

    @torch.no_grad()
    def step(self, closure: Callable[[], Any] | None = None) -> None:  # type: ignore[override]
        """One step; a closure is not called."""
        for group in self.param_groups:
            for table in group["params"]:
                if table.grad is not None:
                    self._move(table, group["lr"], group["weight_decay"])

    def _move(self, table: Tensor, rate: float, decay: float) -> None:
        state = self.state[table]
        if not state:
            state["sum"] = torch.zeros(len(table), dtype=table.dtype, device=table.device)
        sum_R, gradient = state["sum"], cast("Tensor", table.grad)
        if not gradient.is_sparse:
            sum_R.add_(gradient.pow(2).mean(1))
            if decay:
                table.mul_(1 - rate * decay)
            table.addcdiv_(gradient, (sum_R.sqrt() + _EPSILON)[:, None], value=-rate)
            return
        gradient = gradient.coalesce()
        row_T, values_TD = gradient._indices()[0], gradient._values()
        sum_T = sum_R[row_T] + values_TD.pow(2).mean(1)
        sum_R[row_T] = sum_T
        moved_TD = table[row_T] * (1 - rate * decay) if decay else table[row_T]
        table[row_T] = moved_TD - rate * values_TD / (sum_T.sqrt() + _EPSILON)[:, None]
