"""The words of a filter."""

from __future__ import annotations

import re
from typing import Literal, NamedTuple

from fuserank.serving.requests import Refused

LONGEST, DEEPEST = 2000, 32
Kind = Literal["name", "text", "number", "sign", "word", "end"]
_WORDS = frozenset({"and", "or", "not", "in", "is", "null"})
# no two alternatives begin with the same character, and none repeats within a repetition: linear time
_TOKEN = re.compile(
    r"""[ \t\r\n]*(?:
    (?P<name>[^\W\d][\w.]*)
    |`(?P<quoted>[^`]+)`
    |"(?P<text>(?:[^"\\]|\\["\\])*)"
    |(?P<number>-?(?:[0-9]+(?:\.[0-9]*)?|\.[0-9]+)(?:[eE][+-]?[0-9]+)?)
    |(?P<sign>[=!<>]=|[<>()\[\],])
    )""",
    re.VERBOSE,
)
_ESCAPED = re.compile(r"\\(.)")
_BLANK = " \t\r\n"


class Token(NamedTuple):
    """A word of a filter; ``at``: its place in the text, from 1."""

    kind: Kind
    value: str | float | int
    at: int


def refused(message: str, at: int) -> Refused:
    """A filter that is wrong at a place."""
    return Refused(422, "filter", f"filter, character {at}: {message}", "filter")


def tokens(text: str) -> list[Token]:
    """The words of a filter, the last one of kind end.

    :raises Refused: a character that begins none, a text without an end, or a filter that is too long
    """
    if len(text) > LONGEST:
        raise refused(f"it has {len(text):,} characters; write at most {LONGEST:,}", LONGEST + 1)
    found: list[Token] = []
    at, end = 0, len(text.rstrip(_BLANK))
    while at < end:
        matched = _TOKEN.match(text, at)
        if matched is None:
            raise _no_token(text, at)
        found.append(_token(matched))
        at = matched.end()
    found.append(Token("end", "", len(text) + 1))
    return found


def _token(matched: re.Match[str]) -> Token:
    group = str(matched.lastgroup)
    value, at = matched[group], matched.start(group) + 1
    if group == "name":
        return Token("word" if value in _WORDS else "name", value, at)
    if group == "quoted":
        return Token("name", value, at - 1)
    if group == "text":
        return Token("text", _ESCAPED.sub(r"\1", value) if "\\" in value else value, at - 1)
    if group == "number":
        return Token("number", float(value) if set(value) & set(".eE") else int(value), at)
    return Token("sign", value, at)


def _no_token(text: str, at: int) -> Refused:
    """Why no word begins here, and what to write."""
    while text[at] in _BLANK:
        at += 1
    begins = text[at]
    if begins == '"':
        return refused('this text has no end, or a \\ before another character than " and \\; close it by "', at + 1)
    if begins == "`":
        return refused("this name has no end; close it by `", at + 1)
    cures = {"=": "write == for equal", "'": 'write texts in double quotes: "produce"', "!": "write != or not"}
    cures |= {"&": "write and", "|": "write or"}
    cure = cures.get(begins, 'write names, numbers, "texts", == != < <= > >= ( ) [ ] and or not in is null')
    return refused(f"{begins!r} is no word of a filter; {cure}", at + 1)
