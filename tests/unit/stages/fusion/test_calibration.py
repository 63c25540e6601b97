"""Isotonic calibration on counts."""

import numpy as np
import pytest

from fuserank.common.calibration import Calibrator, fit_isotonic, log_loss


def _rows(n: int = 20_000) -> tuple[np.ndarray, np.ndarray]:
    """Scores 0 … 1 where a score is bought with probability score² / 2, without chance: every k-th row."""
    score = np.arange(n) / n
    return score, (np.floor(np.cumsum(score**2 / 2)) > np.floor(np.cumsum(score**2 / 2) - score**2 / 2)).astype(
        np.int64
    )


def test_probabilities_follow_the_share_bought() -> None:
    score, label = _rows()
    p = fit_isotonic(score, label, 100)(score)
    assert np.abs(p - score**2 / 2).max() < 0.03  # at the top the map goes on by one standard error
    assert p.mean() == pytest.approx(label.mean(), abs=1e-3)


def test_different_scores_never_become_equal_within_the_data_so_the_order_stays() -> None:
    score, label = _rows()
    p = fit_isotonic(score, label, 100)(score)
    assert (np.diff(p) >= 0).all()
    assert p[-1] > p[-2] > p[-200]


def test_a_falling_share_is_pooled_into_one_block() -> None:
    score = np.repeat([1.0, 2.0], 100)
    label = np.repeat([1, 0], 100)
    c = fit_isotonic(score, label, 10)
    assert c(np.array([1.5]))[0] == pytest.approx(0.5)
    assert c(np.array([0.0, 9.0])) == pytest.approx([0.5, 0.5], abs=0.05)


def test_the_order_of_the_rows_changes_no_bit() -> None:
    score, label = _rows(5_000)
    shuffled = np.random.default_rng(5).permutation(len(score))
    assert fit_isotonic(score, label, 50) == fit_isotonic(score[shuffled], label[shuffled], 50)


def test_ranks_are_read_with_their_sign_turned() -> None:
    c = Calibrator((-10.0, -1.0), (0.1, 0.4), "rank")
    assert c(np.array([7.0, 7.0]), np.array([1, 10])).tolist() == [0.4, 0.1]
    with pytest.raises(ValueError, match="ranks"):
        c(np.array([7.0]))


def test_log_loss_of_one_half_is_ln_two() -> None:
    assert log_loss(np.array([0.5, 0.5]), np.array([0, 1])) == pytest.approx(np.log(2))
