"""Ratings cut by time, and how far what is predicted is from them.

Shapes: N ratings, T ratings of the truth, U users with truth.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from fuserank.common.errors import FuserankError
from fuserank.evaluation.bootstrap import interval, resampled_means
from fuserank.evaluation.leaderboard import ERRORS

Ints = npt.NDArray[np.int32]
Longs = npt.NDArray[np.int64]
Doubles = npt.NDArray[np.float64]
SHARE = 0.2  # of the ratings, the latest: what is judged; a validation is as large a share of what is before it
VALIDATIONS = 3  # windows, each before the one after it: users and tastes of one stretch are not those of the next


@dataclass(frozen=True)
class Ratings:
    """user, item (dense, from 0), value (as it was given) and time (seconds since 1970, UTC) of each rating (N,)."""

    user_N: Ints
    item_N: Ints
    value_N: Doubles
    time_N: Longs

    def __len__(self) -> int:
        return len(self.user_N)

    def of(self, mask_N: npt.NDArray[np.bool_]) -> Ratings:
        """The ratings of a mask."""
        return Ratings(self.user_N[mask_N], self.item_N[mask_N], self.value_N[mask_N], self.time_N[mask_N])


@dataclass(frozen=True)
class RatingSplit:
    """train: what is learned from; test: what is judged, none of it earlier than anything of train."""

    train: Ratings
    test: Ratings
    items: None = None  # nothing is ranked

    @property
    def users(self) -> Ints:
        """Those with truth, ascending."""
        return np.unique(self.test.user_N)

    @property
    def truth_item_T(self) -> Ints:
        """The item of each rating that is judged."""
        return self.test.item_N

    def hash(self) -> str:
        """SHA-256 over both parts: rows with equal ones were judged alike."""
        digest = hashlib.sha256(b"ratings")
        for part in (self.train, self.test):
            for column in (part.user_N, part.item_N, part.value_N, part.time_N):
                digest.update(np.ascontiguousarray(column).tobytes())
        return digest.hexdigest()


def by_time(ratings: Ratings, share: float = SHARE) -> tuple[RatingSplit, tuple[RatingSplit, ...]]:
    """(test, validations): the latest ``share`` of all ratings against those before; the same of those before, and so
    on back, VALIDATIONS times at most (rolling origin: Tashman 2000).

    One time cuts all users, as it does where a model is trained on a day and used after it: many users of the later
    part have no rating in the earlier one. Ratings of one second stay together, on the later side.

    :raises FuserankError: a part of the test or of the first validation would be empty
    """
    test = _cut(ratings, share)
    found = [_cut(test.train, share)]
    while len(found) < VALIDATIONS and len(np.unique(found[-1].train.time_N)) > 1:
        found.append(_cut(found[-1].train, share))
    return test, tuple(found)


def _cut(ratings: Ratings, share: float) -> RatingSplit:
    count = len(ratings)
    start = np.sort(ratings.time_N)[min(int(count * (1 - share)), count - 1)] if count else 0
    later_N = ratings.time_N >= start
    if later_N.all():
        raise FuserankError(f"{count:,} ratings cannot be cut by time: none is before the latest {share:.0%} of them")
    return RatingSplit(ratings.of(~later_N), ratings.of(later_N))


def per_user(predicted_T: Doubles, test: Ratings) -> Doubles:
    """Of each user with truth, ascending, (U, 3): squared errors and absolute errors summed, and ratings."""
    _, line_T = np.unique(test.user_N, return_inverse=True)
    error_T = predicted_T - test.value_N
    return np.stack([np.bincount(line_T, w) for w in (error_T**2, np.abs(error_T), np.ones(len(error_T)))], axis=1)


def _errors(sums_X3: Doubles) -> Doubles:
    """MAE and RMSE (X, 2) of sums or means of ``per_user``."""
    return np.stack([sums_X3[:, 1] / sums_X3[:, 2], np.sqrt(sums_X3[:, 0] / sums_X3[:, 2])], axis=1)


def means(sums_U3: Doubles, resamples: int, seed: int) -> tuple[dict[str, float], dict[str, tuple[float, float]]]:
    """mae and rmse over all ratings, and their 95 % intervals over users, whose ratings are drawn together."""
    found = _errors(np.add.reduce(sums_U3, axis=0)[None])[0]
    low, high = interval(_errors(resampled_means(sums_U3, resamples, seed)), 0.95)
    names = dict(zip(ERRORS, found.tolist(), strict=True))
    return names, {n: (float(a), float(b)) for n, a, b in zip(ERRORS, low, high, strict=True)}


def minus(sums_U3: Doubles, floor_U3: Doubles, resamples: int, seed: int) -> dict[str, tuple[float, float, float]]:
    """mae and rmse less those of the floor, and the 95 % interval of the difference: both by the same drawn users."""
    total = [_errors(np.add.reduce(of, axis=0)[None])[0] for of in (sums_U3, floor_U3)]
    drawn = [_errors(resampled_means(of, resamples, seed)) for of in (sums_U3, floor_U3)]
    low, high = interval(drawn[0] - drawn[1], 0.95)
    ends = zip(ERRORS, total[0] - total[1], low, high, strict=True)
    return {name: (float(mean), float(a), float(b)) for name, mean, a, b in ends}
