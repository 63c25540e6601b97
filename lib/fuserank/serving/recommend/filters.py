"""Filters: an expression over an item and the user, compiled to a function; nothing of it is run as Python.

    department == "produce" and (price_minor < 500 or `unit price` is null) and item not in ["i1", "i2"]
    user.orders_28d >= 3 or not name == "bag"

    any      = every ("or" every)*
    every    = denied ("and" denied)*
    denied   = "not" denied | "(" any ")" | test
    test     = operand ("==" | "!=" | "<" | "<=" | ">" | ">=") operand
             | operand ["not"] "in" "[" literal ("," literal)* "]"
             | operand "is" ["not"] "null"
    operand  = name | literal
    literal  = "text" | number

Names: fields of items, ``item`` (its id), ``name``, and ``user.`` before a declared feature of the user. A name with
other characters than letters, digits, _ and . stands in backticks. A field that an item lacks is null, as is a feature
that a user lacks. What is null, or of another type, equals nothing and is in no order to anything: ``==``, ``<`` and
``in`` are false, ``!=`` and ``not in`` are what ``not`` makes of them.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping, Set
from typing import Any

from fuserank.serving.recommend.tokens import DEEPEST, Token, refused, tokens
from fuserank.serving.requests import Refused
from fuserank.serving.store.records import ItemRecord

Features = Mapping[str, float | int | str | None]
Predicate = Callable[[ItemRecord, Features], bool]
_Value = Callable[[ItemRecord, Features], Any]
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_COMPARED = ("==", "!=", *_ORDERS)
OWN_NAMES, OF_USER = ("item", "name"), "user."


def compiled(text: str, fields: Set[str], features: Set[str]) -> Predicate:
    """Whether an item may come, as a function of its record and of the user's features.

    :param fields: names of the fields that items have
    :param features: names of the features that users have
    :raises Refused: the text is no filter; the message says where, and what to write
    """
    parser = _Parser(tokens(text), fields, features)
    found = parser.any_of(0)
    parser.end()
    return found


class _Parser:
    def __init__(self, words: list[Token], fields: Set[str], features: Set[str]) -> None:
        self._words, self._place = words, 0
        self._fields, self._features = fields, features

    @property
    def _next(self) -> Token:
        return self._words[self._place]

    def _take(self, *values: str) -> Token | None:
        """The next token, passed, where it is a sign or a word of these."""
        token = self._next
        if token.kind in ("sign", "word") and token.value in values:
            self._place += 1
            return token
        return None

    def _need(self, value: str, why: str) -> None:
        if not self._take(value):
            raise self._unexpected(f"write {value} {why}")

    def _unexpected(self, cure: str) -> Refused:
        token = self._next
        here = "it ends" if token.kind == "end" else f"{_short(token.value)} stands"
        return refused(f"{here} where it cannot; {cure}", token.at)

    def end(self) -> None:
        """:raises Refused: more stands behind the expression"""
        if self._next.kind != "end":
            raise self._unexpected("write and, or or before another comparison")

    def any_of(self, depth: int) -> Predicate:
        """A list with ``or``."""
        found = [self._every(depth)]
        while self._take("or"):
            found.append(self._every(depth))
        return found[0] if len(found) == 1 else _any(found)

    def _every(self, depth: int) -> Predicate:
        found = [self._denied(depth)]
        while self._take("and"):
            found.append(self._denied(depth))
        return found[0] if len(found) == 1 else _all(found)

    def _denied(self, depth: int) -> Predicate:
        at = self._next.at
        if self._next.value in ("not", "(") and depth >= DEEPEST:
            raise refused(f"it is nested deeper than {DEEPEST}; use in [...] or fewer parentheses", at)
        if self._take("not"):
            return _not(self._denied(depth + 1))
        if self._take("("):
            found = self.any_of(depth + 1)
            self._need(")", f"to close the ( at character {at}")
            return found
        return self._test()

    def _test(self) -> Predicate:
        left = self._operand()
        if sign := self._take(*_COMPARED):
            return _comparison(str(sign.value), left, self._operand())
        if self._take("is"):
            no = self._take("not")
            self._need("null", "after is or is not")
            return _not(_is_null(left)) if no else _is_null(left)
        no = self._take("not")
        if self._take("in"):
            found = _is_in(left, self._literals())
            return _not(found) if no else found
        raise self._unexpected("write one of == != < <= > >=, in [...], not in [...], is null after a name")

    def _literals(self) -> frozenset[str | float | int]:
        self._need("[", "before the values of in")
        found = [self._literal()]
        while self._take(","):
            found.append(self._literal())
        self._need("]", "after the values of in, and a comma between them")
        return frozenset(found)

    def _literal(self) -> str | float | int:
        token = self._next
        if token.kind not in ("text", "number"):
            raise self._unexpected('write a "text" or a number')
        self._place += 1
        return token.value

    def _operand(self) -> _Value:
        token = self._next
        if token.kind == "name":
            self._place += 1
            return self._named(str(token.value), token.at)
        if token.kind in ("text", "number"):
            return _constant(self._literal())
        raise self._unexpected('write a name, a "text" or a number')

    def _named(self, name: str, at: int) -> _Value:
        if name == "item":
            return lambda record, user: record.item_id
        if name == "name":
            return lambda record, user: record.name
        if name.startswith(OF_USER):
            feature = name[len(OF_USER) :]
            if feature not in self._features:
                there = ", ".join(f"{OF_USER}{n}" for n in sorted(self._features)) or "none"
                raise refused(f"there is no {_short(name)}; of users there are: {there}", at)
            return lambda record, user: user.get(feature)
        if name not in self._fields:
            there = ", ".join(sorted({*self._fields, *OWN_NAMES}))
            raise refused(f"items have no field {_short(name)}; there are: {there}, and user.…", at)
        return lambda record, user: record.fields.get(name)


def _short(value: str | float | int) -> str:
    text = str(value)
    return repr(text if len(text) <= 40 else f"{text[:40]}…")


def _constant(value: str | float | int) -> _Value:
    return lambda record, user: value


def _any(parts: list[Predicate]) -> Predicate:
    def found(record: ItemRecord, user: Features) -> bool:
        for part in parts:  # noqa: SIM110 - a generator costs more than the parts
            if part(record, user):
                return True
        return False

    return found


def _all(parts: list[Predicate]) -> Predicate:
    def found(record: ItemRecord, user: Features) -> bool:
        for part in parts:  # noqa: SIM110
            if not part(record, user):
                return False
        return True

    return found


def _not(part: Predicate) -> Predicate:
    return lambda record, user: not part(record, user)


def _is_null(value: _Value) -> Predicate:
    return lambda record, user: value(record, user) is None


def _is_in(value: _Value, among: frozenset[str | float | int]) -> Predicate:
    return lambda record, user: value(record, user) in among


def _comparison(sign: str, left: _Value, right: _Value) -> Predicate:
    if sign in _ORDERS:
        return _order(_ORDERS[sign], left, right)

    def equal(record: ItemRecord, user: Features) -> bool:
        a = left(record, user)
        return a is not None and bool(a == right(record, user))

    return equal if sign == "==" else _not(equal)


def _order(compare: Callable[[Any, Any], bool], left: _Value, right: _Value) -> Predicate:
    def found(record: ItemRecord, user: Features) -> bool:
        a, b = left(record, user), right(record, user)
        if a is None or b is None or isinstance(a, str) != isinstance(b, str):
            return False
        return compare(a, b)

    return found
