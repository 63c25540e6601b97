"""What a mapping with pseudonyms may say; all of it is told before any file is opened."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fuserank.common.errors import IngestError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import MappingError
from fuserank.config.mapping.pseudonym_columns import replaced_columns, user_columns
from fuserank.sources.files.reader_options import check_columns, declared
from tests.support.shop import columns, mapping

PEOPLE = {
    "people": {"path": "people.csv", "format": "csv", "columns": {"id": "string", "age": "string", "mail": "string"}}
}
USERS = {"users": {"from": "people", "user": "id", "age": "age", "known_at": {"from": "2019-01-01"}}}
SALE = {
    "from": "sales",
    "type": "purchase",
    "role": "feedback",
    "user": "user",
    "item": "item",
    "time": "time",
    "key": ["line"],
}
REST = {"kind": "rest", "url": "http://127.0.0.1/orders"}


def shop(pseudonyms: dict[str, Any] | None, **changes: Any) -> DatasetConfig:
    files = PEOPLE | changes.pop("files", {})
    return mapping(Path(), pseudonyms=pseudonyms, files=files, dimensions=USERS, **changes)


def test_off_nothing_is_replaced_and_on_all_columns_that_the_mapping_names_as_user() -> None:
    assert replaced_columns(shop(None)) == {}
    assert replaced_columns(shop({})) == {"sales": {"user"}, "people": {"id"}}
    both = shop({"also": {"people": ["mail"]}})
    assert replaced_columns(both) == {"sales": {"user"}, "people": {"id", "mail"}}
    assert user_columns(both)["people"] == {"id"}


@pytest.mark.parametrize(
    ("pseudonyms", "changes", "message"),
    [
        ({"also": {"people": ["fax"]}}, {}, "pseudonyms.also.people: no column 'fax' in files.people.columns"),
        ({"also": {"men": ["id"]}}, {}, "pseudonyms.also.men: no column 'id'"),
        ({}, {"columns": columns(user="long")}, "files.sales.columns.user: a pseudonym is no long; write string"),
        (
            {"also": {"sales": ["item"]}},
            {},
            "events.0.item: column item holds pseudonyms, of which nothing can be read",
        ),
        ({"also": {"people": ["age"]}}, {}, "dimensions.users.age: column age holds pseudonyms"),
        (
            {},
            {"rules": [{"name": "staff", "column": "user", "op": "!=", "value": "staff"}]},
            "which can only be not_null",
        ),
        ({"variable": "not a name"}, {}, "pseudonyms.variable: String should match pattern"),
        ({"key": "0123"}, {}, "pseudonyms.key: unknown key"),
    ],
)
def test_what_cannot_be_is_told_with_its_path(
    pseudonyms: dict[str, Any], changes: dict[str, Any], message: str
) -> None:
    with pytest.raises(MappingError) as refused:
        shop(pseudonyms, **changes)
    assert message in str(refused.value)


def test_a_return_must_hide_the_same_parts_of_the_key_as_its_purchase() -> None:
    back = {
        **SALE,
        "type": "return",
        "role": "reversal",
        "from": "back",
        "user": "owner",
        "key": ["line"],
        "reverses": {"type": "purchase", "key": ["buyer", "line"]},
    }
    files = {"back": {"path": "back.csv", "format": "csv", "columns": columns(owner="string", buyer="string")}}
    events = [{**SALE, "key": ["user", "line"]}, back]
    with pytest.raises(
        MappingError, match=r"events\.1\.reverses\.key: other parts of it are pseudonyms than of events\.0\.key"
    ):
        shop({}, events=events, files=files)
    assert shop({"also": {"back": ["buyer"]}}, events=events, files=files)


def test_a_table_with_users_is_fetched_by_rest_alone_and_then_without_a_vault() -> None:
    files = {"sales": {"path": "sales/*", "format": "jsonl", "columns": columns()}}
    folder = {"connect": {"sales": {"kind": "folder", "path": "drop"}}}
    with pytest.raises(MappingError, match="folder brings files as they are, with users' ids in them"):
        shop({}, files=files, **folder)
    with pytest.raises(MappingError, match=r"write pseudonyms\.vault: false"):
        shop({}, files=files, connect={"sales": REST})
    assert shop({"vault": False}, files=files, connect={"sales": REST})
    assert shop(None, files=files, **folder)


def test_of_a_files_columns_only_those_are_named_in_errors_that_the_mapping_knows() -> None:
    files = shop({}).files["people"]
    found = declared([("ID ", "string"), ("c4n4ry", "string"), ("age", "string")], files)
    assert found == [("ID ", "string"), ("age", "string")]
    with pytest.raises(IngestError, match="column id: the column is missing; write 'ID ' in the mapping"):
        check_columns(found, files, "people.csv")
