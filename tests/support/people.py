"""A shop whose users have pseudonyms: purchases with good rows and bad ones, people with ages, one id to look for."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.support.shop import GOOD, columns, write_csv

VARIABLE, SECRET = "FUSERANK_PSEUDONYM_KEY", "4f3c9a1be07d52688e6b0d7cc1a95f20-k3y"
CANARY = "c4n4ry-5d19e6"  # the user whose id must be nowhere but in the vault
BACK = {
    "from": "sales",
    "type": "purchase",
    "role": "feedback",
    "user": "user",
    "item": "item",
    "time": "time",
    "key": ["user", "line"],
    "session": "visit",
}
PEOPLE = {"path": "people.jsonl", "format": "jsonl", "columns": {"id": "string", "age": "string"}}
USERS = {"from": "people", "user": "id", "age": "age", "known_at": {"from": "2019-01-01"}}


def changes(**more: Any) -> dict[str, Any]:
    """What the mapping of ``tests.support.shop`` needs for this shop."""
    return {
        "columns": columns(visit="string"),
        "events": [BACK],
        "files": {"people": PEOPLE},
        "dimensions": {"users": USERS},
        "pseudonyms": {"also": {"sales": ["visit"]}},
    } | more


def sold(*differences: dict[str, Any]) -> list[dict[str, Any]]:
    """Sales of the canary, each with a line of its own, a session that holds its id, and an undeclared e-mail."""
    own = {"user": CANARY, "visit": f"{CANARY}/1", "mail": f"{CANARY}@shop.example"}
    return [GOOD | own | {"line": str(n)} | d for n, d in enumerate(differences)]


def write_shop(folder: Path) -> None:
    """Rows of every fate: good, without an item, with a time that is none, ragged, a line of JSON that is broken."""
    write_csv(
        folder / "sales.csv",
        sold({}, {"user": f" {CANARY} "}, {"item": ""}, {"time": "never"}, {"user": "u2"}, {"user": ""}),
    )
    with (folder / "sales.csv").open("a", encoding="utf-8") as stream:
        stream.write(f"{CANARY},i1,2019-05-01 10:00:00,9,1,1.00,{CANARY}/2,a@b,one cell,{CANARY},too many\n")
    people = [{"id": CANARY, "age": "30"}, {"id": "u2", "age": "40", "mail": f"{CANARY}@friends.example"}]
    lines = [json.dumps(p) for p in people] + [f'{{"id": "{CANARY}", "age": "3']
    (folder / "people.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
