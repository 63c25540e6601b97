"""What items are, and whom users trust, from files beside lines: shapes that are read, words for those that are not."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from fuserank.common.errors import FuserankError
from fuserank.usecases.leaderboard_attributes import item_names, read, read_social, user_names
from fuserank.usecases.leaderboard_request import Request

ITEMS = np.array(["10", "7", "a b"])


def test_values_come_bare_or_by_field_and_blank_ones_are_none(tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text('{"7": [1, "x", "x"], "a b": {"brand": "b", "tags": ["s", null, " "], "none": null}, "99": [3]}')
    found = read(file, ITEMS)
    assert list(found.columns) == ["side", "index", "field", "value"]
    assert sorted(found.itertuples(index=False, name=None)) == [
        ("item", 1, "attribute", "1"),
        ("item", 1, "attribute", "x"),
        ("item", 2, "brand", "b"),
        ("item", 2, "tags", "s"),
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("[1]", r"is no object such as \{item: \[value, …\]\}"),
        ("{", "is no JSON"),
        ('{"99": [1]}', "tells of none of the 3 items of --data"),
        ('{"7": {"brand": {"name": "b"}}}', r"item 7: expected"),
    ],
)
def test_what_is_no_such_file_is_refused_in_words(text: str, words: str, tmp_path: Path) -> None:
    file = tmp_path / "a.json"
    file.write_text(text)
    with pytest.raises(FuserankError, match=words):
        read(file, ITEMS)
    with pytest.raises(FuserankError, match=r"nowhere\.json: No such file"):
        read(tmp_path / "nowhere.json", ITEMS)


def test_an_item_s_index_is_its_place_in_the_split(tmp_path: Path) -> None:
    from fuserank.evaluation.protocols import dense
    from fuserank.io.lake.interactions import read_lines

    lines = tmp_path / "lines.txt"
    lines.write_text("u1 10 7 9\nu2 100 7 b\n")
    names = item_names(Request(str(lines), "sequences", (), (10,)))
    (item,) = dense(read_lines(lines)["item"])
    assert [names[n] for n in item] == ["10", "7", "9", "100", "7", "b"]


def test_links_are_of_the_users_of_the_data_by_their_places(tmp_path: Path) -> None:
    lines, trust = tmp_path / "lines.txt", tmp_path / "trust.txt"
    lines.write_text("b 1 2\n10 3\na 1\n")
    trust.write_text("a b 10 z\nz a\nb a\n")
    found = read_social(trust, user_names(Request(str(lines), "sequences", (), (10,))))
    assert list(found.itertuples(index=False, name=None)) == [
        ("link", 1, "social", "2"),
        ("link", 1, "social", "0"),
        ("link", 2, "social", "1"),
    ]
    with pytest.raises(FuserankError, match=r"trust\.txt links none of the 1 users of --data"):
        read_social(trust, np.array(["q"]))
