"""A logistic model under a normal prior, by Newton's method. Shapes: N rows, F numbers of a row."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Doubles = npt.NDArray[np.float64]
_STEPS, _HALVINGS, _ENOUGH = 50, 30, 1e-8


def sigmoid(x_N: Doubles) -> Doubles:
    """1 / (1 + e^−x), x within ±60."""
    found: Doubles = 1 / (1 + np.exp(-np.clip(x_N, -60, 60)))
    return found


def mode(
    x_NF: Doubles,
    label_N: Doubles,
    prior_F: Doubles,
    regularization: float,
    weight_N: Doubles | None = None,
    free: bool = False,
) -> Doubles:
    """w (F,) where Σ weight · log-likelihood + log-prior is largest; the prior is normal around ``prior_F``, of
    precision ``regularization`` once numbers are divided by their root mean square. ``free``: of the first number, a 1,
    hardly anything is known before (precision .01).
    """
    scale_F = np.sqrt(np.maximum((x_NF**2).mean(axis=0), 1e-12)) if len(x_NF) else np.ones(x_NF.shape[1])
    mean_F, weights_N = prior_F * scale_F, np.ones(len(x_NF)) if weight_N is None else weight_N
    scaled_NF: Doubles = x_NF / scale_F
    w_F: Doubles = mean_F.copy()
    precision_F = np.full(len(w_F), regularization)
    if free:
        precision_F[0] = 0.01

    def loss(w_F: Doubles, margin_N: Doubles) -> float:
        fit = weights_N @ (np.logaddexp(0, margin_N) - label_N * margin_N)
        return float(fit + precision_F @ (w_F - mean_F) ** 2 / 2)

    margin_N: Doubles = scaled_NF @ w_F
    at = loss(w_F, margin_N)
    for _ in range(_STEPS):
        p_N = sigmoid(margin_N)
        slope_F = scaled_NF.T @ (weights_N * (p_N - label_N)) + precision_F * (w_F - mean_F)
        curve_FF = scaled_NF.T @ (scaled_NF * (weights_N * p_N * (1 - p_N))[:, None])
        step_F = np.linalg.solve(curve_FF + np.diag(precision_F), slope_F)
        step_F *= min(1.0, 2.0 / max(float(np.abs(step_F).max()), 1e-30))  # far from the mode no step is a leap
        for _ in range(_HALVINGS):
            margin_N = scaled_NF @ (w_F - step_F)
            if (there := loss(w_F - step_F, margin_N)) <= at + _ENOUGH:
                break
            step_F /= 2
        w_F, at = w_F - step_F, there
        if float(np.abs(step_F).max()) < _ENOUGH:
            break
    found: Doubles = w_F / scale_F
    return found


def product(x_NF: npt.NDArray[np.floating], w_F: Doubles) -> Doubles:
    """x · w, summed in one order whatever the number of rows."""
    total_N = np.zeros(len(x_NF))
    for column, weight in zip(x_NF.T, w_F, strict=True):
        total_N += column * weight
    return total_N
