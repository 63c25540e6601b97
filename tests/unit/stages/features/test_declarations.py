"""What follows from the declarations: contract, training inputs and their defaults, the profile page."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

from fuserank.tables import features as t
from fuserank.tables.contract import ContractError
from fuserank.tables.features import attribute, item, pair, store, user
from fuserank.tables.features.declare import Aggregate, Feature, Input, row
from fuserank.tables.features.formulas import OPERATIONS, Columns, Formula, known, log
from fuserank.tables.samples import NUMERICS, SAMPLES

KEYS = {"pair": pair, "attribute": attribute, "item": item, "user": user, "store": store}


def columns() -> dict[str, set[str]]:
    """Every column that a formula may name, by kind of rows."""
    names = {of: {f.name for f in key.FEATURES} for of, key in KEYS.items()}
    names["item"] |= {"own_label", "display_stores", "mailer_stores", "promoting_stores"}
    return names | dict.fromkeys(t.KINDS, names["attribute"])


def formulas() -> list[tuple[str, Formula]]:
    features = [(f"{of}.{f.name}", f.made) for of, key in KEYS.items() for f in key.FEATURES]
    return [(name, made) for name, made in features if isinstance(made, Formula)] + [
        (i.name, i.formula) for i in NUMERICS
    ]


def test_formulas_name_columns_that_are_declared_or_told() -> None:
    known_columns = columns()
    wrong = [
        f"{name}: {column}"
        for name, made in formulas()
        for column in made.columns
        if column.split(".")[0] in known_columns and column.split(".")[1] not in known_columns[column.split(".")[0]]
    ]
    assert not wrong


def test_what_items_and_users_count_of_pairs_is_known_before_items_are_finished() -> None:
    """The first pass adds up items out of pairs: a pair's column that waits for its
    item's would go round in a circle.
    """
    read = [c for f in item.FEATURES if isinstance(f.made, Aggregate) for c in f.made.of.columns]
    beyond = [
        c for name in _closure({c for c in read if c.startswith("pair.")}) for c in name if not c.startswith("pair.")
    ]
    assert not beyond
    counted = [f.made.rows for f in store.FEATURES if isinstance(f.made, Aggregate)]
    assert sorted(counted) == ["baskets", "item_baskets"]  # the engine adds up one count of each


def _closure(names: set[str]) -> list[tuple[str, ...]]:
    """The columns that formulas of pairs read, from these on."""
    made = {f"pair.{f.name}": f.made.columns for f in pair.FEATURES if isinstance(f.made, Formula)}
    found, todo = [], [*names]
    while todo:
        name = todo.pop()
        found.append(made.get(name, ()))
        todo += found[-1]
    return found


def test_a_feature_stands_in_its_table_with_what_it_declares_and_an_input_in_the_samples_with_its_default() -> None:
    tables = {"pair": t.USER_ITEM, "attribute": t.USER_ATTRIBUTE, "item": t.ITEM, "user": t.USER, "store": t.STORE_ITEM}
    for of, key in KEYS.items():
        features: tuple[Feature, ...] = key.FEATURES
        for one in features:
            assert (one.name in tables[of].column_names) == one.stored, one.name
        assert len({f.name for f in features}) == len(features)
    for one in NUMERICS:
        assert SAMPLES.column(one.name).default == one.default


def test_defaults_are_what_formulas_say_of_nothing() -> None:
    found = {one.name: one.default for one in NUMERICS}
    assert found["pair_decayed_14d_log"] == pytest.approx(-3.912023)  # ln 0.02
    assert found["pair_due_log1p"] == pytest.approx(0.693147)  # 400 days over 400
    assert found["product_type_due_log1p"] == pytest.approx(0.693147)  # 999 over 999
    assert found["pair_spend_log1p"] == found["item_trend_log"] == 0.0


def test_an_input_without_a_value_for_what_is_unknown_is_refused() -> None:
    with pytest.raises(ContractError, match=r"unsaid.*known\(…\)"):
        _ = Input("unsaid", log(Columns("pair").baskets_count, 1), "").default
    assert Input("said", log(known(Columns("pair").baskets_count), 1), "").default == 0.0


def test_aggregates_that_would_count_wrongly_are_refused() -> None:
    with pytest.raises(ContractError, match="has no ages"):
        Aggregate("item_baskets", "min", row.age_days, ages=(0, 28))
    with pytest.raises(ContractError, match="has no ages"):
        Aggregate("item_baskets", by_basket=True, ages=(0, 28))
    with pytest.raises(ContractError, match=r'a pair has two ages: write age="since_last_days"'):
        Aggregate("pairs", ages=(0, 28))
    with pytest.raises(ContractError, match="each as one"):
        Aggregate("item_baskets", of=row.quantity, half_life=7)


def test_declarations_hold_neither_sql_nor_numpy() -> None:
    for key in KEYS.values():
        imported = {
            node.module or "" if isinstance(node, ast.ImportFrom) else node.names[0].name
            for node in ast.walk(ast.parse(Path(key.__file__).read_text(encoding="utf-8")))
            if isinstance(node, ast.Import | ast.ImportFrom)
        }
        assert not [m for m in imported if m.split(".")[0] in ("numpy", "pyspark", "pyarrow")], key.__name__


def test_the_set_of_operations_is_closed() -> None:
    with pytest.raises(ValueError, match="median"):
        Formula("median")
    used = {one.operation for _, made in formulas() for one in _within(made)}
    assert set(OPERATIONS) - used <= {"clip"}


def _within(made: Formula) -> list[Formula]:
    return [made, *(part for one in made.inputs for part in _within(one))]
