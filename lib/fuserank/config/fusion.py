"""Settings of the fusion."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from fuserank.config.base import Section


class FusionConfig(Section):
    """How the sources' scores become one: calibration, weights, and what they are fitted on."""

    method: Literal["weighted", "reciprocal_rank"] = Field(
        "weighted", description="weighted: Σ weight × calibrated probability; reciprocal_rank: Σ 1/(k + rank)"
    )
    rrf_k: int = Field(60, ge=0, description="k of reciprocal rank fusion (Cormack et al. 2009), in ranks")
    fit_users: int = Field(
        4000,
        ge=1,
        description=(
            "users, at most, whose rows of the fit window come to the driver (drawn by hash; about 0.05 MB each)"
        ),
    )
    bins: int = Field(500, ge=2, description="equal-mass bins, at most, that isotonic regression pools")
    steps: tuple[float, ...] = Field(
        (0.2, 0.1, 0.05, 0.02), description="shares of weight that the search moves between two sources, coarse to fine"
    )
    min_gain: float = Field(1e-4, ge=0, description="gain in mean NDCG that a move of weight must bring at least")
    min_sigmas: float = Field(
        1.0,
        ge=0,
        description=(
            "the same gain in standard errors of the paired difference over users: what is less is noise of one window"
            " (the one-standard-error rule of Breiman et al. 1984). As of 2017-10-02 NDCG@10 all / new were .4301 /"
            " .0497 with 0, .4305 / .0505 with 1, .4299 / .0504 with 2, the FNN alone .4302 / .0494; 2 stood here"
            " before, prompted by a first result on 2017-12-04"
        ),
    )
    min_weight: float = Field(
        0.005,
        ge=0,
        le=0.1,
        description=(
            "share that every source keeps: the model has the sources' scores among its features, so the search would"
            " leave them none; measured on the window before as_of it costs < 0.0005 NDCG, and gives each its part"
        ),
    )
    new_track_share: float = Field(
        0.5, ge=0, le=1, description="share of the track `new` in the objective; the rest is the track `all`"
    )
    top_n: int = Field(10, ge=1, description="length of the list whose NDCG the weights maximise, in items")
