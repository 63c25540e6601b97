"""The patterns that a written time may have, found from the cell itself: its
numbers, names and what stands between them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache

from fuserank.spellings.patterns import BLANKS, matcher, spelling
from fuserank.spellings.time_words import MONTHS, OFFSETS

# for those who write a pattern themselves
LETTERS = (
    "y year, M month (MMM its name), d day, H hour (h with a for am and pm), m minute, s second, S its decimals, XXX"
    " +01:00, XX +0100, z a zone's name, E a weekday"
)
_MISSES = 0.05
_LONGEST = 80  # characters of a cell that tells a time
_MOST = 60  # different shapes that are looked at
_CLOCKS = (
    re.compile(
        r"(?P<before>^|.*?\D)(?P<H>\d{1,2}):(?P<m>\d{2})(?::(?P<s>\d{2})(?P<f>[.,:]\d{1,9})?)?(?!\d|:)", re.DOTALL
    ),
    re.compile(
        r"(?P<before>.*[\s_T-])(?P<H>\d{1,2})\.(?P<m>\d{2})(?:\.(?P<s>\d{2})(?P<f>[.,]\d{1,9})?)?(?![\d.])", re.DOTALL
    ),
    re.compile(r"(?P<before>.*\d[\s_T])(?P<H>\d{2})-(?P<m>\d{2})-(?P<s>\d{2})(?P<f>[.,]\d{1,9})?(?!\d|-)", re.DOTALL),
    re.compile(r"(?P<before>.*[\s_T-])(?P<H>\d{1,2})h(?P<m>\d{2})(?:m(?P<s>\d{2})s?)?(?!\d)", re.DOTALL),
    re.compile(
        r"(?P<before>.*\d{4,8}[T _-])(?P<H>\d{2})(?P<m>\d{2})(?:(?P<s>\d{2})(?P<f>[.,]\d{1,9})?)?(?!\d)", re.DOTALL
    ),
    re.compile(r"(?P<before>.*(?<!\d)\d{8})(?P<H>\d{2})(?P<m>\d{2})(?P<s>\d{2})?(?!\d)", re.DOTALL),
)
_HALF = re.compile(rf"([{BLANKS}]*)([AaPp]\.?[Mm]\.?)(?![A-Za-z])")
_SHIFT = re.compile(
    rf"([{BLANKS}]*)((?:UTC|GMT|UT)?[+\u2212-]\d{{1,2}}(?::?\d{{2}})?)(?!\d)(\[[^\[\]]*\])?", re.IGNORECASE
)
_REGION = re.compile(rf"([{BLANKS}]*)([A-Za-z]+/[A-Za-z_/+-]+)")
_WORD = re.compile(rf"([{BLANKS}]*)([A-Za-z]{{1,5}})(?![A-Za-z])")
_ASIDE = re.compile(rf"[{BLANKS}]*[(][^()]*[)]$")
_TOKEN = re.compile(r"\d+|[^\W\d_]+[.]?|.", re.DOTALL)
_ORDINAL = {"st", "nd", "rd", "th"}
# what may stand between the parts of a day, and between day and clock; any other word is no time's
_BETWEEN = {
    "t",
    "de",
    "del",
    "of",
    "at",
    "um",
    "den",
    "the",
    "uhr",
    "à",
    "a",
    "las",
    "kl",
    "klo",
    "om",
    "alle",
    "ore",
    "г",
    "年",
    "月",
    "日",
}
_KNOWN = {name for names in MONTHS for name in names}
_SHORT = {name for names in OFFSETS.values() for name in names}
# Before other orders of three numbers the likelier: day first, as most of the world
# writes it; where both fit, the reader is told.
_ORDERS = ("dMy", "Mdy", "yMd")


@dataclass(frozen=True)
class _Clock:
    pattern: str
    start: int
    end: int


def fitting(cells: Sequence[str]) -> list[str]:
    """Spark datetime patterns that most of the cells fit, a few may be mistakes; the
    likeliest first, empty where there is none.
    """
    shapes = Counter(_shape(cell) for cell in cells if len(cell) <= _LONGEST)
    one_each = {_shape(cell): cell for cell in reversed(cells)}
    found: dict[str, None] = {}
    for shape, _ in shapes.most_common(_MOST):
        found |= dict.fromkeys(patterns(one_each[shape]))
    enough = (1 - _MISSES) * len(cells)
    for tried in (found, _wider(found)):
        fits = [p for p in tried if sum(map(matcher(p), cells)) >= enough]
        if fits:
            return [p for p in fits if _usual(p) == p or _usual(p) not in fits]
    return []


def _usual(pattern: str) -> str:
    """Between full stops, and around a month's name, all write the day first."""
    pattern = (
        pattern.replace("M.d.", "d.M.").replace("yy.M.d", "d.M.yy")
        if "yyyy" not in pattern
        else pattern.replace("M.d.", "d.M.")
    )
    return re.sub(r"(?<!y)yy(\W)MMM(\W)d", r"d\1MMM\2yy", pattern)


def _shape(cell: str) -> str:
    return re.sub(r"\d", "0", re.sub(r"[^\W\d_]", "a", cell)) + str(len(cell) > _LONGEST)


def _wider(patterns_: dict[str, None]) -> dict[str, None]:
    """With what some cells leave out (seconds, their decimals, an offset) as such."""
    wider: dict[str, None] = {}
    for pattern in patterns_:
        fraction = re.sub(r"(\[?)([.,:])S+(\]?)", r"[\2SSSSSSSSS]", pattern)
        if fraction == pattern:
            fraction = re.sub(r"(?<=:ss)|(?<=\.ss)", "[.SSSSSSSSS]", pattern, count=1)
        seconds = re.sub(r"([:.])ss(\[.SSSSSSSSS\])?", r"[\1ss[.SSSSSSSSS]]", fraction)
        wider |= dict.fromkeys((fraction, seconds))
        wider |= {re.sub(r"('?[ ]?'?)(X+|z|VV)$", r"[\1\2]", p): None for p in (fraction, seconds)}
    return {p: None for p in wider if spelling(p) is not None}


@cache
def patterns(cell: str) -> tuple[str, ...]:
    """All patterns that one cell may be spelled by."""
    if len(cell) > _LONGEST or not re.search(r"\d", cell):
        return ()
    text = _ASIDE.sub("", cell.strip(BLANKS))
    tried = [clock for clock in (_clock(c, text) for c in _CLOCKS) if clock is not None]
    found: dict[str, None] = {}
    for clock in [*tried[:1], None] if tried and tried[0].pattern.startswith(("H", "h")) else [*tried, None]:
        start, end = (clock.start, clock.end) if clock else (len(text), len(text))
        for before, after in _days(text[:start], text[end:], clock is not None):
            pattern = before + (clock.pattern if clock else "") + after
            if spelling(pattern) is not None and matcher(pattern)(cell):
                found[pattern] = None
    return tuple(found)


def _clock(form: re.Pattern[str], text: str) -> _Clock | None:
    """The time of the day and what belongs to it: am or pm, an offset, a zone."""
    found = form.match(text)
    if found is None:
        return None
    start, end = found.start("H"), found.end()
    adjacent = len(found["H"]) == 2 and text[found.end("H")].isdecimal()
    between = text[found.end("H") : found.start("m")]
    pattern = "HH" if adjacent else "H"
    pattern += _literal(between) + "mm"
    if found["s"] is not None:
        pattern += _literal(text[found.end("m") : found.start("s")]) + "ss"
    if found.groupdict().get("f"):
        pattern += found["f"][0] + "S" * max(len(found["f"]) - 1, 3)
    elif found["s"] is not None and text[end - 1] == "s":
        pattern += "'s'"
    if half := _HALF.match(text, end):
        pattern = pattern.replace("H", "h") + (" a" if half[1] else "a")
        end = half.end()
    while zone := _zone(text, end):
        pattern += zone[0]
        end = zone[1]
    return _Clock(pattern, start, end)


def _zone(text: str, at: int) -> tuple[str, int] | None:
    if (shift := _SHIFT.match(text, at)) is not None:
        return (" " if shift[1] else "") + (
            "XXX" if ":" in shift[2] else "XX" if len(shift[2]) > 3 else "X"
        ), shift.end()
    if (region := _REGION.match(text, at)) is not None:
        return (" " if region[1] else "") + "VV", region.end()
    word = _WORD.match(text, at)
    if word is not None and word[2].lower() in _SHORT:
        return (" " if word[1] else "") + ("X" if word[2] in {"Z", "z"} else "z"), word.end()
    return None


def _days(before: str, after: str, clock: bool) -> Iterator[tuple[str, str]]:
    """(pattern before the clock, pattern after it), for each meaning that the numbers and names around it may have."""
    tokens = [(m.group(), False) for m in _TOKEN.finditer(before)] + [(m.group(), True) for m in _TOKEN.finditer(after)]
    numbers = [n for n, (token, _) in enumerate(tokens) if token.isdecimal()]
    named = [n for n, (token, _) in enumerate(tokens) if token.rstrip(".").lower() in _KNOWN]
    for letters in _meanings(tokens, numbers, named):
        made = ["", ""]
        for n, (_, later) in enumerate(tokens):
            piece = letters.get(n) or _between(tokens, n)
            if piece is None:
                break
            made[later] += piece
        else:
            yield made[0], made[1]


def _between(tokens: Sequence[tuple[str, bool]], n: int) -> str | None:
    """What is no part of a day: signs, few words, the day's name before all; None for another word."""
    token = tokens[n][0]
    if not token[0].isalpha():
        return None if token[0] == ":" and 0 < n < len(tokens) - 1 else _literal(token)
    if n == 0 and len(tokens) > 1 and tokens[1][0][0] in {",", *BLANKS}:
        return "E"
    word = token.rstrip(".").lower()
    if word in _ORDINAL and n and tokens[n - 1][0].isdecimal():
        return "['st']['nd']['rd']['th']"
    return _literal(token) if n and word in _BETWEEN else None


def _meanings(tokens: Sequence[tuple[str, bool]], numbers: list[int], named: list[int]) -> Iterator[dict[int, str]]:
    """Place among the tokens → letters of the pattern."""
    sizes = [len(tokens[n][0]) for n in numbers]
    if len(numbers) == 1 and not named:
        if sizes == [8]:
            yield {numbers[0]: "yyyyMMdd"}
        return
    wanted = 2 if named else 3
    if len(numbers) != wanted:
        return
    for month in named[:1] or [-1]:
        orders = [o.replace("M", "") for o in ("dMy", "yMd")] if named else list(_ORDERS)
        if not named and sizes[0] <= 2 and sizes[2] <= 2 and tokens[numbers[0] + 1][0] == "-":
            orders = ["yMd", "dMy", "Mdy"]  # 24-01-31: who writes a - so, sorts by it
        for order in orders:
            letters = _letters(order, [tokens[n][0] for n in numbers])
            if letters is not None:
                yield dict(zip(numbers, letters, strict=True)) | ({month: _name(tokens[month][0])} if named else {})


def _name(word: str) -> str:
    return "MMM" if len(word.rstrip(".")) <= 4 else "MMMM"


def _letters(order: str, numbers: Sequence[str]) -> list[str] | None:
    made = []
    for letter, number in zip(order, numbers, strict=True):
        if letter == "y":
            if len(number) not in {2, 4}:
                return None
            if len(number) == 4 and not 1970 <= int(number) <= 2100:
                return None
            made.append("yyyy" if len(number) == 4 else "yy")
        elif len(number) > 2:
            return None
        else:
            made.append(letter)
    return made


def _literal(text: str) -> str:
    """Letters in quotes; blanks of all kinds as one."""
    made = "".join(" " if c in BLANKS else c for c in text)
    if re.search(r"[A-Za-z]", made):
        return "'" + made.replace("'", "''") + "'"
    return "".join(f"'{c}'" if c in "[]{}#" else "''" if c == "'" else c for c in made)
