"""The conjugate-gradient kernel of als against the normal equations, solved in float64."""

from __future__ import annotations

import numpy as np
import pytest
import scipy.sparse as sp

from fuserank.learning.recommenders.kernels.als import solve


def ratings(rows: int, others: int, seed: int) -> sp.csr_matrix:
    """Rows of 0, 1, 2, … ratings, so that every remainder of four comes up."""
    rng = np.random.default_rng(seed)
    lists = [np.sort(rng.choice(others, size=row % 11, replace=False)) for row in range(rows)]
    indices = np.concatenate(lists).astype(np.int32)
    indptr = np.concatenate([[0], np.cumsum([len(one) for one in lists])]).astype(np.int32)
    return sp.csr_matrix((1 + 4 * rng.random(len(indices), dtype=np.float32), indices, indptr), shape=(rows, others))


def solved(rated: sp.csr_matrix, y_OD: np.ndarray, penalty: float) -> np.ndarray:
    """x = (YᵀY + Σ (c − 1) y yᵀ + λ I)⁻¹ Σ c y for each row; zero without ratings."""
    y_OD = y_OD.astype(np.float64)
    depth = y_OD.shape[1]
    gram, x_RD = y_OD.T @ y_OD + penalty * np.eye(depth), np.zeros((rated.shape[0], depth))
    for row in range(rated.shape[0]):
        line = slice(rated.indptr[row], rated.indptr[row + 1])
        y_ND, c_N = y_OD[rated.indices[line]], rated.data[line].astype(np.float64)
        if len(c_N):
            x_RD[row] = np.linalg.solve(gram + (y_ND.T * (c_N - 1)) @ y_ND, y_ND.T @ c_N)
    return x_RD


def improved(rated: sp.csr_matrix, x_RD: np.ndarray, y_OD: np.ndarray, penalty: float, steps: int) -> np.ndarray:
    """What the kernel makes of ``x_RD``, on the way there and back through the
    coordinates in which G is the identity.
    """
    root = np.linalg.cholesky(y_OD.astype(np.float64).T @ y_OD + penalty * np.eye(y_OD.shape[1]))
    z_RD = (x_RD @ root).astype(np.float32)
    w_OD = (y_OD @ np.linalg.inv(root).T).astype(np.float32)
    solve(rated.indptr, rated.indices, rated.data, z_RD, w_OD, steps)
    return z_RD @ np.linalg.inv(root)


@pytest.mark.parametrize("depth", [1, 3, 4, 6, 64])
def test_enough_steps_solve_the_normal_equations(depth: int) -> None:
    rated = ratings(60, 200, seed=depth)
    y_OD = np.random.default_rng(2).normal(size=(200, depth)).astype(np.float32)
    x_RD = improved(rated, np.random.default_rng(3).random((60, depth), dtype=np.float32), y_OD, 2.0, 4 * depth)
    np.testing.assert_allclose(x_RD, solved(rated, y_OD, 2.0), atol=2e-5)
    assert not x_RD[::11].any()  # rows without ratings


@pytest.mark.parametrize("steps", [1, 2])
def test_few_steps_are_those_of_conjugate_gradients_with_the_gram_matrix_as_preconditioner(steps: int) -> None:
    from scipy.sparse.linalg import cg

    rated, depth = ratings(60, 200, seed=1), 8
    y_OD = np.random.default_rng(2).normal(size=(200, depth)).astype(np.float32)
    start = np.random.default_rng(3).random((60, depth), dtype=np.float32)
    gram = y_OD.astype(np.float64).T @ y_OD + 2.0 * np.eye(depth)
    ours = improved(rated, start, y_OD, 2.0, steps)
    for row in np.flatnonzero(np.diff(rated.indptr)):
        line = slice(rated.indptr[row], rated.indptr[row + 1])
        y_ND, c_N = y_OD[rated.indices[line]].astype(np.float64), rated.data[line].astype(np.float64)
        theirs, _ = cg(
            gram + (y_ND.T * (c_N - 1)) @ y_ND,
            y_ND.T @ c_N,
            x0=start[row].astype(np.float64),
            maxiter=steps,
            rtol=0,
            M=np.linalg.inv(gram),
        )
        np.testing.assert_allclose(ours[row], theirs, atol=1e-5)
    assert np.abs(ours - solved(rated, y_OD, 2.0)).max() > 1e-4  # so few are not the end


def test_a_step_comes_closer_than_one_of_implicit() -> None:
    from implicit.cpu import _als

    rated, depth = ratings(60, 200, seed=1), 8
    y_OD = np.random.default_rng(2).normal(size=(200, depth)).astype(np.float32)
    theirs = np.random.default_rng(3).random((60, depth), dtype=np.float32)
    ours, right = improved(rated, theirs, y_OD, 2.0, 1), solved(rated, y_OD, 2.0)
    _als.least_squares_cg(rated, theirs, y_OD, 2.0, num_threads=1, cg_steps=1)
    assert 2 * np.abs(ours - right).mean() < np.abs(theirs - right).mean()


def test_a_rows_solution_does_not_depend_on_the_rows_beside_it() -> None:
    rated = ratings(60, 200, seed=4)
    w_OD = np.random.default_rng(5).normal(size=(200, 16)).astype(np.float32)
    start = np.random.default_rng(6).random((60, 16), dtype=np.float32)
    whole, parts = start.copy(), start.copy()
    solve(rated.indptr, rated.indices, rated.data, whole, w_OD, 3)
    for low, high in ((0, 1), (1, 23), (23, 60)):
        some = rated[low:high]
        solve(some.indptr, some.indices, some.data, parts[low:high], w_OD, 3)
    np.testing.assert_array_equal(whole, parts)


@pytest.mark.parametrize("depth", [6, 8, 16, 64])
def test_the_bits_do_not_depend_on_where_the_arrays_lie_in_memory(depth: int) -> None:
    # the compiler makes loops for arrays that may overlap and for others, and takes one by their addresses
    rng = np.random.default_rng(7)
    rated = ratings(60, 80, seed=4)
    start, y_OD = rng.random((60, depth), dtype=np.float32), rng.random((80, depth), dtype=np.float32)

    def elsewhere(array: np.ndarray) -> np.ndarray:
        skip = 4 * int(rng.integers(0, 16))
        copied = np.empty(array.nbytes + skip, np.uint8)[skip:].view(np.float32).reshape(array.shape)
        copied[...] = array
        return copied

    found, fillers = set(), []
    for _ in range(200):
        fillers.append(np.empty(int(rng.integers(1, 5000)), np.uint8))  # so that the kernel's own arrays move too
        x_RD = elsewhere(start)
        solve(rated.indptr, rated.indices, rated.data, x_RD, elsewhere(y_OD), 3)
        found.add(x_RD.tobytes())
    assert len(found) == 1
