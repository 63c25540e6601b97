"""How a JSON file holds its rows: one object a line, or one array or object over all of it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Literal

from fuserank.sources.onboarding.scan.encoding import CannotReadError, head, open_file

_MOST_BYTES = 1 << 28  # of a file that is one value: Spark reads it as a whole, too


def shape_of(file: Path) -> Literal["jsonl", "json"]:
    """jsonl: an object a line; json: one array of objects, or one object.

    :raises CannotReadError: it is neither
    """
    first = head(file).decode("utf-8-sig", "replace").lstrip()
    if first[:1] == "[":
        return "json"
    if first[:1] != "{":
        raise CannotReadError("it is not one JSON object a line")
    line, ended, _ = first.partition("\n")
    if _is_object(line) or (not ended and len(first) >= 1 << 20):
        return "jsonl"
    with open_file(file) as stream:
        whole = stream.read(_MOST_BYTES)
    if _is_object(whole.decode("utf-8-sig", "replace")):
        return "json"
    rest = [text for text in first.split("\n")[1:1000] if text.strip()]
    if sum(map(_is_object, rest)) > len(rest) / 2:  # the first line is broken, others are not
        return "jsonl"
    raise CannotReadError("its JSON objects run over several lines; write one a line, such as by jq -c .")


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False
