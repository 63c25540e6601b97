"""Lists of several models of a leaderboard as one, as the chain fuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.config.fusion import FusionConfig
from fuserank.evaluation.leaderboard import Lists
from fuserank.evaluation.protocols import Split
from fuserank.stages.fusion.fit import fit
from fuserank.stages.fusion.fitted import Fitted
from fuserank.stages.fusion.parts import parts_of, summed

_CHAIN_ONLY = "new_track_share"
# Where settings say nothing else; fit_users: of the validation part, at most.
_OWN = {"min_weight": 0.0, "fit_users": 6000}


def fusion_of(cfg: FusionConfig, ks: Sequence[int]) -> FusionConfig:
    """The settings ``fusion`` as they are given; what is not given as a leaderboard wants it. Raises
    FuserankError where one is of the chain alone.
    """
    if _CHAIN_ONLY in cfg.model_fields_set:
        raise FuserankError(
            f"fusion.{_CHAIN_ONLY} is of the chain; here --track says whether lists hold what was taken before"
        )
    own = {**_OWN, "top_n": max(ks), _CHAIN_ONLY: 0.0}
    return cfg.model_copy(update={key: value for key, value in own.items() if key not in cfg.model_fields_set})


def _side_by_side(lists: dict[str, Lists], names: Sequence[str]) -> dict[str, Any]:
    """user_index and item_index (N,) of all that any gave, sorted; score and rank of each, NaN where it did not."""
    span = max(int(one.item.max(initial=0)) for one in lists.values()) + 1
    key = {n: lists[n].user.astype(np.int64) * span + lists[n].item for n in names}
    every = np.unique(np.concatenate(list(key.values())))
    wide: dict[str, Any] = {
        "user_index": (every // span).astype(np.int32),
        "item_index": (every % span).astype(np.int32),
    }
    for name in names:
        at = np.searchsorted(every, key[name])
        for what in ("score", "rank"):
            column = np.full(len(every), np.nan)
            column[at] = getattr(lists[name], what)
            wide[f"{what}_{name}"] = column
    return wide


def fused_on(lists: dict[str, Lists], split: Split, names: Sequence[str], cfg: FusionConfig, seed: int) -> Fitted:
    """The fusion fitted on a seeded draw of the split's users."""
    import pyarrow as pa

    drawn = np.sort(np.random.default_rng(seed).permutation(split.users)[: cfg.fit_users])
    of_drawn = {
        n: Lists(*(c[np.isin(one.user, drawn)] for c in (one.user, one.item, one.rank, one.score)))
        for n, one in lists.items()
    }
    wide = _side_by_side(of_drawn, names)
    span = int(max(wide["item_index"].max(), split.truth_item_T.max())) + 1
    truth = split.truth_user_T.astype(np.int64) * span + split.truth_item_T
    wide["label"] = np.isin(wide["user_index"].astype(np.int64) * span + wide["item_index"], truth).astype(np.int8)
    wide["own"] = np.zeros(len(wide["label"]), np.int8)
    arrays = {k: pa.array(v, from_pandas=k.startswith(("score_", "rank_"))) for k, v in wide.items()}
    return fit(pa.table(arrays), tuple(names), cfg)[0]


def applied(fitted: Fitted, lists: dict[str, Lists], cfg: FusionConfig, k: int) -> Lists:
    """The k best of all that any gave, by the sum of their parts."""
    wide = _side_by_side(lists, fitted.sources)
    score_SN, rank_SN = (np.stack([wide[f"{what}_{s}"] for s in fitted.sources]) for what in ("score", "rank"))
    total_N = summed(parts_of(fitted, score_SN, rank_SN, cfg.rrf_k))
    user_N, item_N = wide["user_index"], wide["item_index"]
    order = np.lexsort((item_N, -total_N, user_N))
    user_N = user_N[order]
    rank_N = np.arange(len(user_N)) - np.searchsorted(user_N, user_N) + 1
    top_N = rank_N <= k
    return Lists(user_N[top_N], item_N[order][top_N], rank_N[top_N], total_N[order][top_N].astype(np.float32))
