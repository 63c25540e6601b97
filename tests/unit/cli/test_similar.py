"""Items near one item, by vectors that a source has learned."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.tables.candidates import FACTORS, LEARNED
from fuserank.tables.silver import ITEM_DICTIONARY, ITEMS
from fuserank.tables.vectors import VECTORS as OF_MODELS
from tests.support.cli import ran
from tests.support.folder_lake import write

DAY = dt.date(2019, 6, 1)
VECTORS = {1: [1.0, 0.0], 2: [0.0, 3.0], 3: [2.0, 0.1], 4: [2.0, 0.1], 5: [-1.0, 0.0]}


def lake(folder: Path, *tables: Any) -> tuple[str, ...]:
    """Options of a lake with five items that have vectors, one that has none, and rows of more tables."""
    early = dt.datetime(2019, 1, 1, tzinfo=dt.UTC)
    numbered = [{"item_id": f"i{n}", "item_index": n, "first_event_time": early} for n in range(1, 7)]
    write(folder, ITEM_DICTIONARY, numbered)
    write(folder, ITEMS, [{"item_id": "i3", "name": "brown bread", "known_at": early}])
    for table, rows in tables:
        write(folder, table, rows)
    return ("--lake", str(folder), "--as-of", str(DAY))


def of_als(vectors: dict[int, list[float]] = VECTORS) -> tuple[Any, ...]:
    return (FACTORS, [{"as_of_date": DAY, "side": "item", "index": n, "factor": v} for n, v in vectors.items()])


def of_member(vectors: dict[int, list[float]]) -> tuple[Any, ...]:
    shared = {"as_of_date": DAY, "source": "sasrec", "part": "item"}
    return (LEARNED, [{**shared, "index": n, "vector": v} for n, v in vectors.items()])


def test_the_nearest_stand_first_ties_by_their_number_and_the_catalogue_names_them(tmp_path: Path) -> None:
    found = json.loads(ran("similar", "i1", "--json", *lake(tmp_path, of_als())).stdout)
    assert [one["item"] for one in found["near"]] == ["i3", "i4", "i2", "i5"]
    assert [round(one["cosine"], 3) for one in found["near"]] == [0.999, 0.999, 0.0, -1.0]
    assert found["source"] == "als"
    assert found["near"][0]["name"] == "brown bread"
    text = ran("similar", "i1", "--k", "1", "--lake", str(tmp_path), "--as-of", str(DAY)).stdout
    assert "brown bread" in text
    assert "i4" not in text


def test_vectors_are_those_of_the_source_that_is_named(tmp_path: Path) -> None:
    options = lake(tmp_path, of_als(), of_member({1: [1.0, 0.0], 2: [1.0, 0.0], 3: [0.0, 1.0]}))
    assert json.loads(ran("similar", "i1", "--source", "sasrec", "--json", *options).stdout)["near"][0]["item"] == "i2"


def test_vectors_of_a_trained_model_are_looked_at_where_it_is_named_and_where_no_source_has_some(
    tmp_path: Path,
) -> None:
    of_fnn = {1: [0.0, 1.0], 2: [1.0, 0.0], 3: [0.0, -1.0], 4: [0.1, 1.0]}
    rows = [{"as_of_date": DAY, "kind": "fnn", "index": n, "vector": v} for n, v in of_fnn.items()]
    rows += [{"as_of_date": DAY, "kind": "fnn", "side": "user", "index": n, "vector": [1.0]} for n in (1, 2)]
    options = lake(tmp_path / "both", of_als(), (OF_MODELS, rows))
    assert json.loads(ran("similar", "i1", "--json", *options).stdout)["source"] == "als"
    assert [
        near["item"] for near in json.loads(ran("similar", "i1", "--source", "fnn", "--json", *options).stdout)["near"]
    ] == ["i4", "i2", "i3"]
    with pytest.raises(FuserankError, match=r"no vectors of dcn .*there are of als, fnn; models\.vectors=true writes"):
        ran("similar", "i1", "--source", "dcn", *options)
    counted = (LEARNED, [{"as_of_date": DAY, "source": "personal_top", "part": "item", "index": 1, "vector": []}])
    alone = json.loads(ran("similar", "i1", "--json", *lake(tmp_path / "alone", counted, (OF_MODELS, rows))).stdout)
    assert alone["source"] == "fnn", "counts of items are no vectors"


def test_what_cannot_be_found_is_named_with_what_is_there(tmp_path: Path) -> None:
    options = lake(tmp_path, of_als())
    with pytest.raises(FuserankError, match="the nearest ids: i1, i2"):
        ran("similar", "i", *options)
    with pytest.raises(FuserankError, match="item i6 has no vector of als"):
        ran("similar", "i6", *options)
    with pytest.raises(FuserankError, match="no vectors of sasrec as of 2019-06-01 in this lake; there are of als"):
        ran("similar", "i1", "--source", "sasrec", *options)


def test_a_lake_without_vectors_says_who_learns_some(tmp_path: Path) -> None:
    with pytest.raises(FuserankError, match="no source there learns vectors, such as als or sasrec"):
        ran("similar", "i1", *lake(tmp_path))
