"""Casts that never kill a job: a cell that does not fit becomes null, and the caller tells it from an empty one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from fuserank.spellings.number_words import Decimal, plain, regex
from fuserank.spellings.time_columns import once, parsed_moment

if TYPE_CHECKING:
    from pyspark.sql import Column

_INTEGRAL = ("tinyint", "smallint", "int", "bigint")
_FLOATING = ("float", "double")
_EXACT = 2.0**53  # whole numbers below are exact in a double
_DECIMAL_LIMIT = 1e12  # decimal(18,6) holds what is below
_TIMES = ("date", "timestamp", "timestamp_ntz")
_TEXTS = ("string", "char", "varchar")
# numbers that tell times → units in a second
EPOCHS = {"epoch_seconds": 1, "epoch_millis": 1_000, "epoch_micros": 1_000_000, "epoch_nanos": 1_000_000_000}
# 1990 … 2100 in seconds: of what other size a number is, it is told in another unit
EPOCH_SECONDS = (631_152_000, 4_102_444_800)
_ACCEPTED: dict[str, tuple[str, ...]] = {
    "string": ("string", "boolean", *_INTEGRAL, *_FLOATING, *_TIMES),
    "long": ("string", *_INTEGRAL, *_FLOATING),
    "double": ("string", *_INTEGRAL, *_FLOATING),
    "decimal": ("string", *_INTEGRAL, *_FLOATING),
    "boolean": ("string", "boolean"),
    "date": ("string", *_TIMES),
    "timestamp": ("string", *_TIMES),
    **dict.fromkeys(EPOCHS, ("string", *_INTEGRAL, *_FLOATING)),
}
_DECIMAL_COMMA = r"^\s*[+-]?(\d+|\d{1,3}(\.\d{3})+)(,\d*)?\s*$"  # 12.99 is a mistake there, not 1299
_CLOCK = (
    r"^\s*(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([AaPp])?\.?[Mm]?\.?\s*$"  # 16:31, 4:31:00 PM, 16
)
_CLOCK_DIGITS = r"^(\d{2})(\d{2})(\d{2})?$"  # 1631, 163100
_EPOCH_LIMIT_SECONDS = 100_000_000_000  # the year 5138; far beyond, timestamps overflow


def named(name: str) -> Column:
    """The column of just this name, whatever dots and quotes are in it."""
    from pyspark.sql import functions as F

    return F.col("`" + name.replace("`", "``") + "`")


def accepts(found: str, want: str, pattern: str | None = None) -> bool:
    """Whether a column found as Spark type ``found`` may be declared as ``want``;
    with a pattern, 20240131 may be a number.
    """
    if pattern is not None and want in {"date", "timestamp"} and found in _INTEGRAL:
        return True
    decimal = found.startswith(("decimal", "char", "varchar")) and want in {
        "string",
        "long",
        "double",
        "decimal",
        *EPOCHS,
    }
    return decimal or found in _ACCEPTED[want]


def may_fail(found: str, want: str) -> bool:
    """Whether a cell of an accepted column can be uncastable at all."""
    if want == "string":
        return False
    safe = {"long": _INTEGRAL, "double": _INTEGRAL, "decimal": _INTEGRAL, "boolean": ("boolean",)}
    return found not in safe.get(want, _TIMES if want in {"date", "timestamp"} else ())


def present(cell: Column, found: str, want: str) -> Column:
    """Whether the cell says anything; blank text says nothing where a number or a time is declared."""
    from pyspark.sql import functions as F

    if want == "string" or not found.startswith(_TEXTS):  # only text can be blank
        return cell.isNotNull()
    return cell.isNotNull() & (F.trim(cell.cast("string")) != "")


def without_nulls(cell: Column, nulls: Sequence[str]) -> Column:
    """The cell, null where it is one of the words that say nothing; outer blanks don't count."""
    from pyspark.sql import functions as F

    return F.when(~F.trim(cell.cast("string")).isin(list(nulls)), cell) if nulls else cell


def typed(
    cell: Column, found: str, want: str, zone: str = "UTC", pattern: str | None = None, decimal: str = "."
) -> Column:
    """The cell as ``want``, null where it cannot be: bigint, double, decimal(18,6), boolean, date or timestamp (UTC).

    A decimal told as a floating-point number stays a double: a conversion costs as much as the rest of an event.

    ``zone`` is where text and timestamp_ntz without an offset were told; ``pattern`` a Spark datetime pattern;
    ``decimal`` the mark before the decimals of numbers told as text: with a comma, 1.234,5 is 1234.5.
    """

    if want == "string":
        return whole_text(cell) if found in _FLOATING else cell.cast("string")
    if want in EPOCHS:
        return _epoch(cell, found, EPOCHS[want])
    if found == "string" and want in {"long", "double", "decimal"}:
        return _number(cell, want, decimal)
    if want == "long":
        return whole(cell, found)
    if want == "double":
        return _finite(cell)
    if want in {"date", "timestamp"}:
        return _time(cell, found, want, zone, pattern)
    if is_double(found, want):
        return within_decimal(cell.cast("double"))
    return cell.try_cast({"decimal": "decimal(18,6)", "boolean": "boolean"}[want])


def _number(cell: Column, want: str, decimal: str) -> Column:
    """Of text: the plain ones as Spark casts them, else as people write numbers."""
    from pyspark.sql import functions as F

    mark: Decimal = "," if decimal == "," else "."
    written = once(cell, regex(mark), 5, lambda found: plain(found, cell, mark))
    cast: Callable[[Column], Column] = {
        "long": lambda c: whole(c, "string"),
        "double": _finite,
        "decimal": lambda c: c.try_cast("decimal(18,6)"),
    }[want]
    quick = F.when(cell.rlike(_DECIMAL_COMMA), F.translate(cell, ",.", ".")) if decimal == "," else cell
    return F.coalesce(cast(quick), cast(written))


def _finite(cell: Column) -> Column:
    from pyspark.sql import functions as F

    number = cell.try_cast("double")
    return F.when(~F.isnan(number) & (F.abs(number) != float("inf")), number)


def whole_text(number: Column) -> Column:
    """A floating-point number as an id: whole ones as integers, since a table with an
    empty cell makes 123 of 123.0 in some tools.
    """
    from pyspark.sql import functions as F

    integral = (number == F.floor(number)) & (F.abs(number) < _EXACT)
    return F.when(integral, number.cast("bigint").cast("string")).when(~F.isnan(number), number.cast("string"))


def _epoch(cell: Column, found: str, per_second: int) -> Column:
    """Whole numbers exactly; with decimals to the microsecond."""
    from pyspark.sql import functions as F

    limit = min(_EPOCH_LIMIT_SECONDS * per_second, 2**63 - 1)
    number = whole(cell, found)
    whole_number = F.when(number.between(-limit, limit), number)
    nanos = per_second > 1_000_000
    micros = F.floor(whole_number / 1000) if nanos else whole_number * (1_000_000 // per_second)
    if found in _INTEGRAL or nanos:
        return F.timestamp_micros(micros)
    fraction = cell.try_cast("decimal(28,9)") * F.lit(1_000_000 // per_second).cast("decimal(7,0)")
    inside = F.when(fraction.between(-limit * (1_000_000 // per_second), limit * (1_000_000 // per_second)), fraction)
    return F.timestamp_micros(F.coalesce(micros, F.round(inside, 0).cast("bigint")))


def is_double(found: str, want: str) -> bool:
    """Whether ``typed`` gives a double."""
    return want == "double" or (want == "decimal" and found in _FLOATING)


def within_decimal(number: Column) -> Column:
    """The double where decimal(18,6) can hold it, else null; NaN and infinities are above all numbers."""
    from pyspark.sql import functions as F

    return F.when(F.abs(number) < _DECIMAL_LIMIT, number)


def time_of_day(cell: Column, want: str) -> Column:
    """Seconds since midnight, double; null where the cell tells none.

    ``want``: string for 16:31, 16:31:05, 4:31 PM, 1631, 163105 and the hour alone, 16; long
    for numbers such as 1631 and 5, for 00:05.
    """
    from pyspark.sql import functions as F

    if want == "long":
        hour, minute, second, fits = F.floor(cell / 100), cell % 100, F.lit(0), cell >= 0
    else:
        text = F.trim(cell)
        pattern = F.when(text.rlike(_CLOCK_DIGITS), F.lit(_CLOCK_DIGITS)).otherwise(F.lit(_CLOCK))
        fits = text.rlike(_CLOCK_DIGITS) | text.rlike(_CLOCK)
        hour, minute, second = (
            F.coalesce(F.regexp_extract_all(text, pattern, F.lit(n))[0].try_cast("int"), F.lit(0)) for n in (1, 2, 3)
        )
        half = F.upper(F.regexp_extract(text, _CLOCK, 4))
        hour = F.when(half == "", hour).otherwise(hour % 12 + F.when(half == "P", 12).otherwise(0))
    inside = fits & (hour < 24) & (minute < 60) & (second < 60)
    return F.when(inside, (hour * 3600 + minute * 60 + second).cast("double"))


def in_epoch(cell: Column, per_second: int) -> Column:
    """Whether a number tells a time of 1990 to 2100 where so many units are a second."""
    return cell.try_cast("double").between(*(float(limit * per_second) for limit in EPOCH_SECONDS))


def whole(cell: Column, found: str) -> Column:
    """The cell as bigint, null where it is no whole number."""
    from pyspark.sql import functions as F

    if found in _INTEGRAL:
        return cell.cast("bigint")
    number = cell.try_cast("decimal(38,6)")
    integral = F.when(number == F.floor(number), number.try_cast("bigint"))
    return F.coalesce(cell.try_cast("bigint"), integral) if found == "string" else integral


def _time(cell: Column, found: str, want: str, zone: str, pattern: str | None) -> Column:
    from pyspark.sql import functions as F

    if found == "string" or (pattern is not None and found in _INTEGRAL):
        moment = parsed_moment(cell.cast("string"), "UTC" if want == "date" else zone, pattern)
    else:
        moment = cell.cast("timestamp")
        if want == "timestamp" and zone != "UTC" and found != "timestamp":
            moment = F.to_utc_timestamp(moment, zone)
    return moment.cast("date") if want == "date" else moment
