from __future__ import annotations

import pytest

from fuserank.config.candidates import SEGMENTS, CandidatesConfig
from fuserank.tables.samples import SOURCES

ALL = CandidatesConfig(sources=SOURCES)


def _quotas(cfg: CandidatesConfig) -> dict[str, int]:
    return {name: cfg.quota(name) for name in SOURCES}


def test_below_the_limit_and_without_one_nothing_changes() -> None:
    cfg = ALL
    assert cfg.rows_wanted(2_469, 900_000) == 2_469 * (150 + 100 + 100 + 50) + 2_469 * 250
    assert cfg.within(2_469, 900_000) is cfg
    free = CandidatesConfig(sources=SOURCES, max_rows=None)
    assert free.within(10**8, 10**9) is free


def test_all_quotas_but_repeat_shrink_alike_and_the_limit_is_kept() -> None:
    limited = ALL.within(22_363, 176_139)
    assert _quotas(limited) == {"als": 64, "co_purchase": 42, "repeat": 250, "popular": 42, "trending": 21}
    assert 3_900_000 < limited.rows_wanted(22_363, 176_139) <= 4_000_000


def test_where_repeat_alone_would_take_half_it_shrinks_too() -> None:
    limited = CandidatesConfig(sources=SOURCES, max_rows=100_000).within(1_000, 10_000_000)
    assert _quotas(limited)["repeat"] == 50
    assert 90_000 < limited.rows_wanted(1_000, 10_000_000) <= 100_000


@pytest.mark.parametrize("users", [0, 1, 10_000_000])
def test_every_source_keeps_a_row_a_user(users: int) -> None:
    assert min(_quotas(CandidatesConfig(sources=SOURCES, max_rows=1).within(users, users)).values()) >= 1


def test_sources_that_do_not_run_take_no_room() -> None:
    limited = CandidatesConfig(sources=("als",), max_rows=1_000).within(100, 10**6)
    assert limited.als.quota == 10
    assert limited.repeat.quota == 250


def test_segments_have_their_own_quotas_and_a_source_is_read_as_deep_as_the_deepest() -> None:
    cfg = CandidatesConfig.model_validate(
        {
            "sources": ("als", "repeat", "item_cf"),
            "members": {"item_cf": {"quota": 30}},
            "segments": {"quotas": {"heavy": {"repeat": 500, "item_cf": 40}, "new": {"als": 200}}},
        }
    )
    assert {s: [cfg.quota_in(segment, s) for segment in SEGMENTS] for s in cfg.sources} == {
        "als": [200, 150, 0],
        "repeat": [0, 250, 500],
        "item_cf": [0, 30, 40],
    }
    assert {s: cfg.quota(s) for s in cfg.sources} == {"als": 200, "repeat": 500, "item_cf": 40}
    less = cfg.model_copy(update={"max_rows": 10_000}).within(100, 2_000)
    assert less.rows_wanted(100, 2_000) <= 10_000
    assert less.quota_in("new", "item_cf") == 0
    assert less.quota_in("light", "als") < 150  # its own, shrunk, not what another segment has
    assert less.quota_in("light", "item_cf") <= 30
    assert less.quota_in("heavy", "repeat") == 500  # no more than the 2,000 pairs that there are
