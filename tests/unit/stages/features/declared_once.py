"""Where one declared feature has come to stand.

A script: `test_add_a_feature` runs it over a copy of the library that has one more.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import pyarrow as pa

from fuserank.config.features import FeaturesConfig
from fuserank.config.model import ModelConfig
from fuserank.insight.profiles import user as profile
from fuserank.learning.models.inputs import inputs_of
from fuserank.stages.features import compute as of
from fuserank.stages.features.engine import NEVER
from fuserank.tables import features as t
from fuserank.tables.docs import markdown
from fuserank.tables.features.declare import LINE_SUMS
from fuserank.tables.samples import SAMPLES
from tests.unit.stages.features import oracle
from tests.unit.stages.features.worlds import AS_OF, OWN_LABEL, drawn


def lines_of(known: oracle.Known, as_of: int) -> pa.Table:
    """The oracle's lines, as the engine takes them."""
    names: dict[Any, int] = {}
    rows = [
        {
            "user_index": r["user"],
            "item_index": r["item"],
            "basket": names.setdefault(r["basket"], len(names)),
            "day": as_of - r["age_days"],
            "seen": 0,
            "back": NEVER,
            "store_id": r["store"],
            **{n: r[n] for n in LINE_SUMS},
        }
        for r in known.lines
    ]
    return pa.Table.from_pylist(rows)


def counted(column: str) -> dict[str, list[Any]]:
    """The column of features.user by the engine and by loops, of a small world."""
    world, cfg = drawn(8), FeaturesConfig()
    expected = oracle.features(world, cfg, AS_OF)
    items = [{"item_index": i, **row} for (i,), row in expected[t.ITEM.name].items()]
    table = pa.Table.from_pylist(items).cast(pa.schema([(n, _TYPES[t.ITEM.column(n).type]) for n in items[0]]))
    lines = lines_of(oracle.Known(world, cfg, AS_OF), of.day_number(AS_OF))
    found = of.compute(lines, AS_OF, of.Items.of(table, OWN_LABEL), cfg)[t.USER]
    by_user = dict(zip(found["user_index"].to_pylist(), found[column].to_pylist(), strict=True))
    return {
        "engine": [by_user[u] for u in sorted(by_user)],
        "loops": [v[column] for _, v in sorted(expected[t.USER.name].items())],
    }


_TYPES = {"int": pa.int32(), "long": pa.int64(), "double": pa.float64(), "string": pa.string()}


def stands(column: str, name: str) -> dict[str, Any]:
    """Of a column of features.user and an input of models."""
    return {
        "contract": column in t.USER.column_names,
        "samples": name in SAMPLES.column_names,
        "default": SAMPLES.column(name).default,
        "inputs": name in inputs_of(ModelConfig()).numeric,
        "profile": column in profile.FEATURES,
        "docs": [word in markdown() for word in (column, name)],
        **counted(column),
    }


if __name__ == "__main__":
    print(json.dumps(stands(*sys.argv[1:])))
