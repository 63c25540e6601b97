"""What the items of a file of lines are, and whom its users trust, from files beside it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.errors import FuserankError
from fuserank.common.lookup import locate
from fuserank.io.lake.interactions import read_lines

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

    from fuserank.usecases.leaderboard_request import Request

_FIELD = "attribute"
_SHAPE = "{item: [value, …]} or {item: {field: value or [value, …]}}"


def item_names(request: Request) -> npt.NDArray[Any]:
    """Ids of the items of a file of lines, as texts, each at the place that its index is."""
    return _names(request, "item")


def user_names(request: Request) -> npt.NDArray[Any]:
    """The same of its users."""
    return _names(request, "user")


def _names(request: Request, side: str) -> npt.NDArray[Any]:
    files = [Path(request.data)]
    if request.layout == "pairs":
        files = [files[0] / f"{name}.txt" for name in ("train", "test")]
    lists = [np.asarray(read_lines(file)[side].to_pylist(), dtype=object).astype(str) for file in files]
    return np.unique(np.concatenate(lists))


def read(path: Path, items: npt.NDArray[Any]) -> pd.DataFrame:
    """side, index, field, value (candidates.content) of a JSON object; items that the data has not are left out.

    :param items: ids of the data's items as texts, ascending; an item's index is its place
    :raises FuserankError: the file is not there, is no such object, or tells of no item of the data
    """
    import pandas as pd

    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise FuserankError(f"--attributes {path}: {problem.strerror}") from None
    except ValueError as problem:
        raise FuserankError(f"--attributes {path} is no JSON: {problem}") from None
    if not isinstance(found, dict):
        raise FuserankError(f"--attributes {path} is no object such as {_SHAPE}")
    index = {str(name): n for n, name in enumerate(items)}
    known = {item: of_item for item, of_item in found.items() if item in index}
    rows = [(index[item], *cell) for item, of_item in known.items() for cell in _cells(path, item, of_item)]
    if not rows:
        raise FuserankError(f"--attributes {path} tells of none of the {len(items):,} items of --data")
    table = pd.DataFrame(rows, columns=["index", "field", "value"]).drop_duplicates()
    return table.assign(side="item", index=table["index"].astype(np.int32))[["side", "index", "field", "value"]]


def _cells(path: Path, item: str, of_item: Any) -> list[tuple[str, str]]:
    fields = of_item if isinstance(of_item, dict) else {_FIELD: of_item}
    found = []
    for field, value in fields.items():
        values = value if isinstance(value, list) else [value]
        if any(isinstance(one, dict | list) for one in values):
            raise FuserankError(f"--attributes {path}, item {item}: expected {_SHAPE}")
        found += [(str(field), str(one)) for one in values if one is not None and str(one).strip()]
    return found


def read_social(path: Path, users: npt.NDArray[Any]) -> pd.DataFrame:
    """side, index, field, value (candidates.content, side link) of lines `user other other …`; users that the data has
    not are left out.

    :param users: ids of the data's users as texts, ascending; a user's index is its place
    :raises FuserankError: the file cannot be read, or links no two users of the data
    """
    import pandas as pd

    lines = read_lines(path)
    at, there = zip(*(locate(users, lines[side].to_numpy().astype(str)) for side in ("user", "item")), strict=True)
    both = there[0] & there[1]
    if not both.any():
        raise FuserankError(f"--social {path} links none of the {len(users):,} users of --data")
    columns = {"index": at[0][both].astype(np.int32), "value": at[1][both].astype(str)}
    return pd.DataFrame({"side": "link", "field": "social", **columns})[["side", "index", "field", "value"]]
