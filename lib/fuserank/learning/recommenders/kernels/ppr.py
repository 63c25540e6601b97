"""Forward push for Personalised PageRank, one user after the other. Imported where it runs.

Shapes: V nodes (the I items first, the users after them), B users of a block, N seeds of the block, K results a user.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from fuserank.common.compiled import compiled, inlined
from fuserank.learning.recommenders.kernels.best import highest

Floats = npt.NDArray[np.float32]
_ZERO, _ONE, _QUARTER = np.float32(0), np.float32(1), np.float32(0.25)
_NONE = -np.float32(np.inf)


@inlined
def _wait(v: Any, first: Any, waiting: Any, waiting_V: Any, queue_V: Any) -> Any:
    """Puts a node at the end of the ring that starts at ``first``; returns how many wait now."""
    last = first + waiting
    waiting_V[v] = True
    queue_V[last if last < len(queue_V) else last - len(queue_V)] = v
    return waiting + 1


@inlined
def _again(
    degree_V: Any,
    epsilon: Any,
    touched: Any,
    first: Any,
    mass_V: Floats,
    residual_V: Floats,
    waiting_V: Any,
    queue_V: Any,
    touched_V: Any,
) -> Any:
    """Lets nodes that were never pushed wait by the first ε, a quarter of the one before,
    that lets any; returns it and how many wait.
    """
    waiting, unpushed = 0, True
    while waiting == 0 and unpushed:
        epsilon, unpushed = epsilon * _QUARTER, False
        for n in range(touched):
            v = touched_V[n]
            if mass_V[v] == _ZERO and residual_V[v] > _ZERO:
                unpushed = True
                if residual_V[v] > epsilon * degree_V[v]:
                    waiting = _wait(v, first, waiting, waiting_V, queue_V)
    return epsilon, waiting


@compiled
def push(
    ptr: Any,
    other: Any,
    degree_V: Floats,
    link: Any,
    seeds_N: Any,
    weight_N: Floats,
    restart: Any,
    epsilon: Any,
    items: Any,
    least: Any,
    mass_V: Floats,
    residual_V: Floats,
    met_V: Any,
    waiting_V: Any,
    queue_V: Any,
    touched_V: Any,
) -> int:
    """Adds to ``mass_V`` the PageRank of walks that restart at ``seeds_N``; returns
    how many nodes stand in ``touched_V``.

    An edge between two users weighs ``link``, all others 1; ``degree_V`` sums up those of a node. All six arrays of
    work come in as zeros, ``queue_V`` and ``touched_V`` as anything. A node waits once at most, and is pushed in the
    order in which its residual passed ε · degree. The seeds wait from the start, whatever they hold: a long history
    spreads so thin that none of them may pass. Where fewer than ``least`` items are met, ε is made a quarter and nodes
    that were never pushed wait again, until enough are met or there are no more to be met.
    """
    nodes, touched, first, waiting, found = len(mass_V), 0, 0, 0, 0
    for n in range(len(seeds_N)):
        v = seeds_N[n]
        residual_V[v] += weight_N[n]
        if not met_V[v]:
            met_V[v], waiting_V[v] = True, True
            touched_V[touched], queue_V[waiting] = v, v
            touched, waiting, found = touched + 1, waiting + 1, found + 1
    while True:
        if waiting == 0 and found < least:
            epsilon, waiting = _again(
                degree_V, epsilon, touched, first, mass_V, residual_V, waiting_V, queue_V, touched_V
            )
        if waiting == 0:
            return touched
        v = queue_V[first]
        first = first + 1 if first + 1 < nodes else 0
        waiting -= 1
        waiting_V[v] = False
        held, degree = residual_V[v], degree_V[v]
        residual_V[v] = _ZERO
        if degree == _ZERO:  # a walk that cannot leave stays until it restarts: all it holds is its own
            mass_V[v] += held
            continue
        mass_V[v] += restart * held
        each = (_ONE - restart) * held / degree
        for n in range(ptr[v], ptr[v + 1]):
            u = other[n]
            residual_V[u] += each if u < items or v < items else link * each
            if not met_V[u]:
                met_V[u] = True
                touched_V[touched] = u
                touched += 1
                found += u < items
            if not waiting_V[u] and residual_V[u] > epsilon * degree_V[u]:
                waiting = _wait(u, first, waiting, waiting_V, queue_V)


@compiled
def ranked(
    ptr: Any,
    other: Any,
    degree_V: Floats,
    link: Any,
    seeds_ptr: Any,
    seeds_N: Any,
    weight_N: Floats,
    restart: Any,
    epsilon: Any,
    factor_I: Floats,
    exclude_seen: bool,
    k: int,
    column_BK: Any,
    score_BK: Floats,
) -> None:
    """Fills in each user's k best items by (mass + α residual) · ``factor_I``; −1 where fewer are reached.

    Memory: some 20 bytes a node.
    """
    nodes, items = len(ptr) - 1, len(factor_I)
    mass_V, residual_V = np.zeros(nodes, np.float32), np.zeros(nodes, np.float32)
    met_V, waiting_V = np.zeros(nodes, np.bool_), np.zeros(nodes, np.bool_)
    queue_V, touched_V = np.empty(nodes, np.int32), np.empty(nodes, np.int32)
    score_1I = np.full((1, items), _NONE, np.float32)
    for b in range(len(seeds_ptr) - 1):
        seeds, weight = seeds_N[seeds_ptr[b] : seeds_ptr[b + 1]], weight_N[seeds_ptr[b] : seeds_ptr[b + 1]]
        least = k + len(seeds) if exclude_seen else k
        touched = push(
            ptr,
            other,
            degree_V,
            link,
            seeds,
            weight,
            restart,
            epsilon,
            items,
            least,
            mass_V,
            residual_V,
            met_V,
            waiting_V,
            queue_V,
            touched_V,
        )
        for n in range(touched):
            v = touched_V[n]
            if v < items:  # what waits at v is v's own with probability α at the least: it takes part
                score_1I[0, v] = (mass_V[v] + restart * residual_V[v]) * factor_I[v]
        if exclude_seen:
            for n in range(len(seeds)):
                score_1I[0, seeds[n]] = _NONE
        highest(score_1I, k, column_BK[b : b + 1], score_BK[b : b + 1])
        for n in range(touched):  # what one user touched is all that has to be cleared for the next
            v = touched_V[n]
            mass_V[v], residual_V[v], met_V[v] = _ZERO, _ZERO, False
            if v < items:
                score_1I[0, v] = _NONE
