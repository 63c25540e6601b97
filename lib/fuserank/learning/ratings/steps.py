"""Stochastic gradient steps of SVD++ with time. Imported where it runs.

Shapes: N ratings, U users, I items, K days of users, B bins, D factor length.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fuserank.common.compiled import compiled, inlined


@inlined
def _gathered(rated: Any, low: int, high: int, y_ID: Any, z_D: Any) -> Any:
    """z = |R|^−½ Σ y of a user's items; returns |R|^−½."""
    root = np.float32(1) / np.sqrt(np.float32(high - low))
    z_D[:] = 0
    for n in range(low, high):
        for d in range(len(z_D)):
            z_D[d] += root * y_ID[rated[n], d]
    return root


@inlined
def _spread(rated: Any, low: int, high: int, of_y: Any, g_D: Any, y_ID: Any) -> None:
    """Each y of a user's items along the sum of its ratings' gradients."""
    for n in range(low, high):
        i = rated[n]
        for d in range(len(g_D)):
            y_ID[i, d] = of_y[i] * (y_ID[i, d] + g_D[d])


@inlined
def _biases_step(u: int, i: int, b: int, k: int, dev: Any, push: Any, shrink: Any, biases: Any, parts: Any) -> None:
    bias_U, drift_U, bias_I, bin_IB, day_K, all_1 = biases
    bias_U[u] = shrink[0][u] * (bias_U[u] + push)
    bias_I[i] = shrink[2][i] * (bias_I[i] + push)
    bin_IB[i, b] = shrink[3][i] * (bin_IB[i, b] + push)
    all_1[0] = shrink[5][0] * (all_1[0] + push)
    if parts[0]:
        day_K[k] = shrink[4][k] * (day_K[k] + push)
    if parts[1]:
        drift_U[u] = shrink[1][u] * (drift_U[u] + push * dev)


@compiled
def epoch(
    order_N: Any,
    columns: Any,
    rated_ptr: Any,
    rated: Any,
    rate: Any,
    shrink: Any,
    biases: Any,
    factors: Any,
    parts: Any,
) -> None:
    """A step down the gradient of half the squared error for each rating of ``order_N``, in which the ratings of a user
    stand together. y of what a user rated moves once for all of them, along the sum of their gradients (SVDFeature:
    Chen et al. 2012, section 4.2), so that a pass costs (ratings + pairs) · D.

    ``columns``: user, item, value, dev, bin and number of the user's day of each rating. ``rated_ptr``, ``rated``: the
    items of each user, each once. ``shrink``: what a step leaves of b_u and α_u (U,), b_i and b_i,Bin (I,), b_u,day
    (K,), m (1,), p and its drift (U,), q and y (I,). ``biases``: b_u, α_u (U,), b_i (I,), b_i,Bin (I, B), b_u,day
    (K,), m (1,). ``factors``: p, its drift (U, D), q, y (I, D). ``parts``: whether there are b_u,day, a drift, and
    y. Biases and factors are changed in place.
    """
    user_N, item_N, value_N, dev_N, bin_N, day_N = columns
    bias_U, drift_U, bias_I, bin_IB, day_K, all_1 = biases
    p_UD, moved_UD, q_ID, y_ID = factors
    of_p, of_moved, of_q, of_y = shrink[6:]
    depth, drifts, implicit = p_UD.shape[1], parts[1], parts[2]
    z_D, g_D, root = np.zeros(depth, np.float32), np.zeros(depth, np.float32), np.float32(0)
    for at in range(len(order_N)):
        n = order_N[at]
        u, i, b, k, dev = user_N[n], item_N[n], bin_N[n], day_N[n], dev_N[n]
        if implicit and (at == 0 or user_N[order_N[at - 1]] != u):
            root = _gathered(rated, rated_ptr[u], rated_ptr[u + 1], y_ID, z_D)
            g_D[:] = 0
        guess = bias_U[u] + bias_I[i] + bin_IB[i, b] + all_1[0] + drift_U[u] * dev + day_K[k]
        for d in range(depth):
            guess += q_ID[i, d] * (p_UD[u, d] + moved_UD[u, d] * dev + z_D[d])
        push = rate * (value_N[n] - guess)
        _biases_step(u, i, b, k, dev, push, shrink, biases, parts)
        for d in range(depth):
            p, q, moved = p_UD[u, d], q_ID[i, d], moved_UD[u, d]
            p_UD[u, d] = of_p[u] * (p + push * q)
            if drifts:
                moved_UD[u, d] = of_moved[u] * (moved + push * dev * q)
            q_ID[i, d] = of_q[i] * (q + push * (p + moved * dev + z_D[d]))
            g_D[d] += root * push * q
        if implicit and (at + 1 == len(order_N) or user_N[order_N[at + 1]] != u):
            _spread(rated, rated_ptr[u], rated_ptr[u + 1], of_y, g_D, y_ID)
