"""Ratings from a file: a table with a header, a rating a row."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from fuserank.common.errors import FuserankError

if TYPE_CHECKING:
    import numpy.typing as npt
    import pandas as pd

# what a header may call each column, without case, blanks and underscores
NAMES = {
    "user": ("user", "userid", "customer", "customerid", "reviewerid"),
    "item": ("item", "itemid", "product", "productid", "movieid", "asin"),
    "rating": ("rating", "stars", "overall", "score", "value"),
    "time": ("time", "timestamp", "unixreviewtime", "date", "ratedat"),
}
_BETWEEN = (",", ";", "\t")


def read_ratings(path: Path) -> pd.DataFrame:
    """user, item (text), rating (float) and time (whole seconds since 1970, UTC) of each row, in the file's order.

    Text with a header, cells between commas, semicolons or tabs, gzipped or not; a time is a number of seconds or
    ISO 8601, without a zone UTC.

    :raises FuserankError: with file, column and row of what is wrong
    """
    import pandas as pd

    form: dict[str, Any] = {"dtype": str, "keep_default_na": False, "skip_blank_lines": False, "encoding": "utf-8-sig"}
    try:
        header = pd.read_csv(path, sep="\0", header=None, nrows=1, engine="python", **form).iloc[0, 0]
        rows = pd.read_csv(path, sep=max(_BETWEEN, key=header.count), **form).fillna("")
    except OSError as problem:
        raise FuserankError(f"{path} cannot be read: {problem.strerror or problem}") from None
    except (UnicodeDecodeError, ValueError, pd.errors.ParserError) as problem:
        raise FuserankError(f"{path} is no table of ratings: {problem}") from None
    named = {of: _column(path, rows, of) for of in NAMES}
    if not len(rows):
        raise FuserankError(f"{path} has a header and no rows")
    found = {of: rows[name].str.strip() for of, name in named.items()}
    for of in ("user", "item"):
        _refuse(path, named[of], rows, (found[of] == "").to_numpy(), "an id")
    value = pd.to_numeric(found["rating"], errors="coerce").to_numpy(np.float64)
    _refuse(path, named["rating"], rows, ~np.isfinite(value), "a number")
    time = _seconds(path, named["time"], rows, found["time"])
    return pd.DataFrame({"user": found["user"], "item": found["item"], "rating": value, "time": time})


def _column(path: Path, rows: pd.DataFrame, of: str) -> str:
    bare = {str(name).lower().replace("_", "").replace(" ", ""): str(name) for name in rows.columns}
    for name in NAMES[of]:
        if name in bare:
            return bare[name]
    raise FuserankError(
        f"{path} has no column of the {of}: its header says {', '.join(map(str, rows.columns))}; call it {of}"
    )


def _seconds(path: Path, name: str, rows: pd.DataFrame, cells: Any) -> npt.NDArray[np.int64]:
    import pandas as pd

    number = pd.to_numeric(cells, errors="coerce").to_numpy(np.float64)
    if np.isfinite(number).any():
        _refuse(path, name, rows, ~np.isfinite(number), "a number of seconds, as the others are")
        return np.floor(number).astype(np.int64)
    when = pd.to_datetime(cells, errors="coerce", utc=True, format="ISO8601")
    _refuse(path, name, rows, when.isna().to_numpy(), "a time: seconds since 1970, or ISO 8601")
    return when.to_numpy().astype("datetime64[s]").astype(np.int64)


def _refuse(path: Path, name: str, rows: pd.DataFrame, wrong_N: npt.NDArray[np.bool_], wanted: str) -> None:
    """The first row that is wrong, numbered as an editor does: the header is line 1."""
    if wrong_N.any():
        at = int(np.flatnonzero(wrong_N)[0])
        cell = rows[name].iloc[at]
        raise FuserankError(
            f"{path}, line {at + 2}, column {name}: {cell!r} is not {wanted}; correct or remove the row"
        )
