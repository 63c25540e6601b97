"""Settings that the data decide: what is set stays, what is `auto` follows the written rules."""

from __future__ import annotations

import pytest
from pydantic import ValidationError

from fuserank.config.auto import AUTO, Numbers, chosen, open_fields, settled
from fuserank.config.base import Section
from fuserank.learning.recommenders.interactions import numbers_of
from fuserank.learning.recommenders.settings import BprConfig, EaseConfig, GraphFilterConfig, IalsConfig, ItemCfConfig
from fuserank.registry.sources import recommenders
from fuserank.stages.candidates import family
from tests.support.family import pairs

BY_DATA = [source for source in recommenders() if open_fields(source.settings())]
SPARSE = Numbers(users=5000, items=11_000, pairs=30_000, reach=11.0)
DENSE = Numbers(users=800, items=200, pairs=12_000, reach=75.0)
ORDERED = Numbers(users=1400, items=900, pairs=6200, reach=18.0, pace=1.0)


def test_numbers_are_those_of_the_pairs() -> None:
    table = pairs([(1, 5, 1, 0), (1, 6, 1, 4), (1, 7, 1, 10), (2, 5, 1, 3), (3, 5, 1, 2), (3, 6, 1, 2)])
    assert numbers_of(table) == Numbers(users=3, items=3, pairs=6, reach=(9 + 4 + 1) / 6, pace=10 / 2)
    assert numbers_of(pairs([(1, 5), (1, 6)])).pace == 0
    assert numbers_of(pairs([])) == Numbers(0, 0, 0)


@pytest.mark.parametrize("source", BY_DATA, ids=lambda source: source.name)
@pytest.mark.parametrize(
    "numbers",
    [Numbers(0, 0, 0), Numbers(1, 1, 1), SPARSE, DENSE, ORDERED, Numbers(10**8, 10**7, 10**10, 10**6, 30.0)],
    ids=str,
)
def test_a_rule_says_something_of_every_field_for_any_data(source: object, numbers: Numbers) -> None:
    of = settled(source.settings(), numbers)  # type: ignore[attr-defined]
    assert not open_fields(of)
    assert settled(of, SPARSE) == of


def test_what_is_set_wins_and_null_is_set() -> None:
    config = ItemCfConfig(half_life=None, shrinkage=7.0)
    of = settled(config, ORDERED)
    assert (of.half_life, of.shrinkage) == (None, 7.0)
    assert of.closeness == 6.0
    assert "shrinkage" not in chosen(config, of)
    assert "closeness=6, backward=0.5" in chosen(config, of)


def test_where_order_is_known_it_is_used_and_where_not_nothing_ages() -> None:
    for of in (ItemCfConfig, EaseConfig, GraphFilterConfig):
        assert settled(of(), ORDERED).half_life == 3.0
        assert settled(of(), SPARSE).half_life is None


def test_rare_items_are_shrunk_and_lifted_and_a_dense_shop_is_not() -> None:
    sparse, dense = (settled(ItemCfConfig(), of) for of in (SPARSE, DENSE))
    assert sparse.shrinkage == 30 > 1 > dense.shrinkage
    assert sparse.popularity_power == 0.3 < dense.popularity_power
    assert settled(GraphFilterConfig(), SPARSE).lift == 0.4 > 0.1 > settled(GraphFilterConfig(), DENSE).lift


def test_factors_grow_with_the_items() -> None:
    small, large = DENSE, Numbers(30_000, 41_000, 810_000, 100.0)
    assert [settled(IalsConfig(), of).factors for of in (small, large)] == [64, 512]
    assert [settled(BprConfig(), of).factors for of in (small, large)] == [64, 256]
    assert settled(IalsConfig(), large).unobserved_weight == 0.03
    assert settled(IalsConfig(), large).regularization < settled(IalsConfig(), small).regularization / 10


def test_the_penalty_of_ials_holds_for_another_weight_of_what_was_not_taken() -> None:
    light, heavy = (settled(IalsConfig(unobserved_weight=a), SPARSE) for a in (0.01, 1.0))
    assert light.regularization > 10 * heavy.regularization


def test_auto_is_a_value_and_others_keep_their_bounds() -> None:
    assert ItemCfConfig(row_power=AUTO) == ItemCfConfig()
    assert ItemCfConfig.model_validate_json(ItemCfConfig().model_dump_json()) == ItemCfConfig()
    for wrong in (-0.5, "automatic"):
        with pytest.raises(ValidationError, match="row_power"):
            ItemCfConfig(row_power=wrong)


def test_a_field_that_no_rule_knows_and_a_fit_without_the_data_are_told() -> None:
    class Ruleless(Section):
        depth: str = AUTO

    with pytest.raises(ValueError, match=r"Ruleless\.by_data says nothing of depth"):
        settled(Ruleless(), SPARSE)
    with pytest.raises(ValueError, match="ease: half_life wait for the data"):
        family.fit(recommenders()["ease"], None, None, EaseConfig(), 1, 1)  # type: ignore[arg-type]
