"""Numbers as people write them: with signs of thousands, currencies and a minus at either end.

For every engine alike, as times are.
"""

from __future__ import annotations

from typing import Any, Literal, Protocol

from fuserank.spellings.patterns import BLANKS

Decimal = Literal[".", ","]
_MINUS = "\u2212-"
_CODES = (
    "USD EUR GBP CHF JPY CNY RMB INR BRL RUB TRY PLN CZK HUF SEK NOK DKK AUD CAD NZD MXN ZAR KRW SGD HKD THB IDR MYR"
    " PHP VND AED SAR ILS UAH RON BGN ISK CLP COP ARS PEN"
)
_CURRENCY = r"[A-Z]{0,3}[$€£¥₹₽₺₩₴₫฿₪]|[kK]r[.]?|zł|Kč|Ft|lei|руб[.]?|р[.]|TL|Fr[.]|Rs[.]?|S/|" + _CODES.replace(
    " ", "|"
)
_APART = f"'\u2019{BLANKS}"  # between thousands, beside the sign that the decimals don't have


class Engine(Protocol):
    """As ``spellings.patterns.Engine``, as far as numbers need it."""

    def groups(self, cell: Any, regex: str, count: int) -> list[Any]:
        """See there."""

    def text(self, value: str) -> Any:
        """See there."""

    def concat(self, *parts: Any) -> Any:
        """See there."""

    def choose(self, text: Any, values: Any, otherwise: Any) -> Any:
        """See there."""

    def translate(self, text: Any, signs: str, to: str) -> Any:
        """Each of the signs becomes the one at its place, or goes where there is none."""


def regex(decimal: Decimal) -> str:
    """Of a whole cell; groups: the sign before, the sign after a currency, the number, the sign at
    the end, and currencies before and after.
    """
    other = "," if decimal == "." else "."
    point = f"[{decimal}]"
    grouped = f"[0-9]{{1,3}}(?:(?:[{_APART}][0-9]{{3}})+|(?:[{other}][0-9]{{2,3}})*[{other}][0-9]{{3}})"
    number = f"((?:{grouped}|[0-9]+)(?:{point}[0-9]+)?|{point}[0-9]+)(?:{point}[-\u2013\u2014]{{0,2}})?"  # 12,- is 12
    blank = f"[{BLANKS}]*"
    return (
        f"^{blank}([+({_MINUS}]?){blank}({_CURRENCY})?{blank}([+{_MINUS}]?){blank}{number}{blank}(?:{_CURRENCY})?{blank}([){_MINUS}]?)"
        f"{blank}(?:{_CURRENCY})?{blank}$"
    )


def plain(engine: Engine, cell: Any, decimal: Decimal) -> Any:
    """The cell's number as any engine casts it, such as -1234.50; null, or a text
    that is none, where it is no number.
    """
    before, _, after, number, end = engine.groups(cell, regex(decimal), 5)
    other = "," if decimal == "." else "."
    digits = engine.translate(number, f"{decimal}{other}{_APART}", ".")
    negative = engine.translate(engine.concat(before, after, end), "+", "")  # all others say less
    sign = engine.choose(negative, [(("",), engine.text(""))], engine.text("-"))
    return engine.concat(sign, digits)
