"""How a CSV file is written: lines before the table, between cells, around cells.

Found from its first lines, as the chain will read it.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from fuserank.sources.onboarding.scan.encoding import HEAD_BYTES, CannotReadError, head
from fuserank.sources.onboarding.scan.looks import Dialect

DELIMITERS = (",", ";", "\t", "|")
LONG_DELIMITERS = ("::", "||", "~|~", "^|^", "|~|", "##")
_AGREED = 0.98  # of the lines
_LINES = 5_000  # are looked at
_SAMPLE = 2_000
_BEGIN = 100  # lines that may stand before a table
_LONGEST_CELL = 20_000  # characters: a quote before it is open
_ENOUGH = 0.9  # of the lines after its first one, a table's lines have its number of cells
_SEP = re.compile(r'^\ufeff?"?sep=(.)"?\r?$', re.IGNORECASE)


@dataclass(frozen=True)
class Beginning:
    """What the first lines of a file in UTF-8 tell.

    ``names``: of its header if it has one, as Spark names columns by it; ``cells``: of a row.
    """

    dialect: Dialect
    names: tuple[str, ...]
    cells: int
    sample: tuple[tuple[str, ...], ...]  # its first row and others that have as many cells as most
    quotes: bool  # whether there are any, so that they say something of the quoting


def beginning(file: Path, delimiter: str | None = None, most: int = _LINES) -> Beginning:
    """What the first lines of a CSV file tell: its dialect, names and number of cells.

    :param delimiter: where it is known, as other files of the table have it
    :param most: lines that are looked at
    :raises CannotReadError: nothing splits the lines into columns, or a name is there twice
    """
    text = head(file, HEAD_BYTES if most == _LINES else HEAD_BYTES // 16).decode("utf-8-sig", "replace")
    lines = re.split(r"\r\n|\n|\r", text)[: most + 1]
    lines = lines[:-1] if len(lines) > 1 else lines
    separator = _SEP.match(lines[0]) if lines else None
    delimiter = delimiter or (separator[1] if separator else None)
    found = _split(lines, delimiter) if delimiter else _likeliest(lines)
    if found.cells < 2 or found.share < 0.5:
        raise CannotReadError("no delimiter splits it into columns")
    quoting = _quoting(lines[found.skip :], found.delimiter)
    records = _records("\n".join(lines[found.skip :]), found.delimiter, quoting)
    rows = [cells for cells, fine in itertools.islice(records, _SAMPLE) if fine]
    names = [cell.strip("\r") or f"_c{place}" for place, cell in enumerate(rows[0] if rows else [])]
    dialect = Dialect(found.delimiter, quoting[0], quoting[1], found.skip)
    cells = Counter(map(len, rows[1:] or rows)).most_common(1)[0][0] if rows else found.cells
    sample = [rows[0], *(row for row in rows[1:] if len(row) == cells)] if rows else []
    return Beginning(dialect, tuple(names), cells, tuple(map(tuple, sample)), any('"' in line for line in lines))


@dataclass(frozen=True)
class _Split:
    delimiter: str
    cells: int
    skip: int
    share: float


def _likeliest(lines: Sequence[str]) -> _Split:
    """By the sign that most lines agree on; by several, such as MovieLens' ::,
    where all lines do, and on no other sign.
    """
    found = [_split(lines, d) for d in DELIMITERS]
    agreed = [f.delimiter for f in found if f.cells > 1 and f.share >= _AGREED]
    for one in (_split(lines, d) for d in LONG_DELIMITERS):
        if one.cells > 1 and one.share >= _AGREED and all(d in one.delimiter for d in agreed):
            return one
    return max(found, key=lambda f: f.share * (f.cells > 1))


def _split(lines: Sequence[str], delimiter: str) -> _Split:
    """By one delimiter: how many cells most lines have, the share of the lines that
    have as many, and where those begin.
    """
    counts = [_cells(line, delimiter) for line in lines]
    filled = [n for n, line in zip(counts, lines, strict=True) if line.strip()]
    usual = Counter(n for n in filled if n > 1).most_common(1)
    if not usual:
        return _Split(delimiter, 1, 0, 1.0)
    cells = usual[0][0]
    skip = _skip(lines, counts, cells, delimiter)
    return _Split(delimiter, cells, skip, usual[0][1] / len(filled))


def _cells(line: str, delimiter: str) -> int:
    outside = re.sub(r'"[^"]*"', "", line)
    return outside.count(delimiter) + 1


def _skip(lines: Sequence[str], counts: Sequence[int], cells: int, delimiter: str) -> int:
    """Lines before the first that has as many cells as the table, and of these as
    many filled as a header or a row has.
    """
    like = [n for n in range(min(len(lines), _BEGIN)) if counts[n] == cells]
    if not like:
        return 0
    full = max(_filled(lines[n], delimiter) for n in like[:20])
    start = next(n for n in like if _filled(lines[n], delimiter) > full / 2)
    after = [n for n, line in zip(counts[start:], lines[start:], strict=True) if line.strip()]
    before = [line for line in lines[:start] if line.strip()]
    if not before or sum(n == cells for n in after) < _ENOUGH * len(after):
        return 0  # no preamble, or lines of many lengths: then nothing can be told
    last = next(n for n in range(start - 1, -1, -1) if lines[n].strip())
    header = 2 <= counts[last] != cells and not re.search(r"\d", lines[last]) and not _SEP.match(lines[last])
    return last if header and re.search(r"\d", lines[start]) else start


def _filled(line: str, delimiter: str) -> int:
    return sum(bool(cell.strip(' "')) for cell in line.split(delimiter))


_USUAL, _BACKSLASH, _NONE = ('"', '"'), ('"', "\\"), ("", "")


def _quoting(lines: Sequence[str], delimiter: str) -> tuple[str, str]:
    """(quote, escape): quotes doubled inside of cells, as RFC 4180 has it, unless
    another way understands clearly more lines.
    """
    text = "\n".join(lines)
    if '"' not in text:
        return _USUAL
    wrong = {way: sum(1 for _, fine in _records(text, delimiter, way) if not fine) for way in (_USUAL, _BACKSLASH)}
    counts = Counter(len(line.split(delimiter)) for line in lines if line.strip())
    usual = counts.most_common(1)[0][0] if counts else 0
    wrong[_NONE] = sum(n for cells, n in counts.items() if cells != usual)
    best = min((_USUAL, _BACKSLASH, _NONE), key=lambda way: wrong[way])
    return best if wrong[best] < wrong[_USUAL] / 2 else _USUAL


def _records(text: str, delimiter: str, way: tuple[str, str]) -> Iterator[tuple[list[str], bool]]:
    """The cells of each record, and whether its quotes are what the way says; after one
    whose are not, the next line begins again.
    """
    quote, escape = way
    if not quote:
        yield from ((line.split(delimiter), True) for line in text.split("\n") if line.strip())
        return
    inner = r'(?:[^"]|"")*' if escape == quote else r'(?:[^"\\]|\\.)*'
    mark = re.escape(delimiter)
    plain = rf"[^{mark}\n]*" if len(delimiter) == 1 else rf"(?:(?!{mark})[^\n])*"
    cell = re.compile(rf'(?:"({inner})"|((?!"){plain}))({mark}|\n|$)', re.DOTALL)
    at = 0
    while at < len(text):
        cells: list[str] = []
        start = at
        while True:
            found = cell.match(text, at)
            if found is None or len(found[1] or "") > _LONGEST_CELL:
                end = text.find("\n", start)
                at = len(text) if end < 0 else end + 1
                yield cells, False
                break
            quoted = found[1]
            plain = (
                found[2]
                if quoted is None
                else quoted.replace('""', '"')
                if escape == quote
                else re.sub(r"\\(.)", r"\1", quoted)
            )
            cells.append(plain)
            at = found.end()
            if found[3] != delimiter:
                if cells != [""]:
                    yield cells, True
                break


def refuse_twice(names: Sequence[str]) -> None:
    """Raises CannotReadError where a name is there twice, in whatever case."""
    lower = [n.lower() for n in names]
    twice = next((n for n in names if lower.count(n.lower()) > 1), None)
    if twice:
        raise CannotReadError(f"its header has {twice!r} more than once; rename one of them")
