"""From a bronze row to typed cells: ids normal, casts that fail told apart from cells that are empty."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from fuserank.common.ids import normal_id
from fuserank.spellings.casting import is_double, may_fail, present, time_of_day, typed, within_decimal, without_nulls
from fuserank.tables.bronze import ENVELOPE, bronze_name
from fuserank.tables.contract import Table

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from fuserank.config.mapping.dataset import DatasetConfig, FilesConfig
    from fuserank.config.mapping.dimensions import MoneyConfig

_NUMBERS = ("tinyint", "smallint", "int", "bigint")
_DECIMAL = "decimal(18,6)"
# What a double times a factor below 10^4 is off by is less than this much of a minor unit, up to so large a number.
_EXACT_BELOW, _MARGIN = 1e9, 0.01


@dataclass(frozen=True)
class Cells:
    """A bronze frame with typed cells beside it; ``cell`` and ``failed`` name columns of the mapping."""

    frame: DataFrame
    files: FilesConfig
    found: dict[str, str]

    def cell(self, name: str) -> Column:
        """The value as the declared type; null where the cell is empty or cannot be cast."""
        from pyspark.sql import functions as F

        return F.col(f"`_t_{bronze_name(name)}`")

    def raw(self, name: str) -> Column:
        """The value as bronze has it."""
        from pyspark.sql import functions as F

        return F.col(f"`_r_{bronze_name(name)}`")

    def may_fail(self, name: str) -> bool:
        """Whether the cast from bronze's type to the declared one can fail at all; if not, no row need be looked at."""
        return may_fail(self.found[bronze_name(name)], self.files.columns[name].type)

    def failed(self, name: str) -> Column:
        """Boolean column: something stands in the cell and it cannot be cast."""
        found, spec = self.found[bronze_name(name)], self.files.columns[name]
        return present(without_nulls(self.raw(name), spec.nulls), found, spec.type) & self.cell(name).isNull()

    def is_double(self, name: str) -> bool:
        """Whether ``cell`` is a double."""
        return is_double(self.found[bronze_name(name)], self.files.columns[name].type)

    def is_number(self, name: str) -> bool:
        """Whether the source itself keeps whole numbers in it: its cells are digits."""
        return self.found[bronze_name(name)] in _NUMBERS

    def fits_decimal(self, name: str) -> Column:
        """Whether the cell is a number that decimal(18,6) can hold."""
        cell = self.cell(name)
        return (within_decimal(cell) if self.is_double(name) else cell.try_cast(_DECIMAL)).isNotNull()

    def time_of_day(self, name: str) -> Column:
        """Seconds since midnight; null where the cell is empty or tells no time of day."""
        return time_of_day(self.cell(name), self.files.columns[name].type)

    def time(self, name: str, zone: str, clock: str | None = None) -> Column:
        """A timestamp, UTC; a date is its midnight in the shop's zone, or the time
        of day that the column ``clock`` tells.
        """
        from pyspark.sql import functions as F

        if self.files.columns[name].type != "date":
            return self.cell(name)
        if clock is None:
            return midnight(self.cell(name), zone)
        seconds = F.coalesce(self.time_of_day(clock), F.lit(0.0))
        local = F.timestamp_seconds(F.unix_timestamp(self.cell(name).cast("timestamp")) + seconds)
        return F.to_utc_timestamp(local, zone)


def cells(bronze: DataFrame, dataset: DatasetConfig, table: str, names: Iterable[str], ids: Iterable[str]) -> Cells:
    """Bronze rows: the envelope, ``_r_<name>`` as it came, ``_t_<name>`` for each of ``names``, typed as declared.

    ``ids`` become normal strings. The prefixes keep a source's names and the contracts' names apart.
    """
    from pyspark.sql import functions as F

    names = set(names)
    files, ids = dataset.files[table], set(ids)
    lacking = {n for n in names if files.columns[n].optional and bronze_name(n) not in bronze.columns}
    bronze = bronze.withColumns({bronze_name(n): F.lit(None).cast("string") for n in sorted(lacking)})
    found = dict(bronze.dtypes)
    envelope = [c.name for c in ENVELOPE]
    own = [F.col(f"`{c}`").alias(f"_r_{c}") for c in bronze.columns if c not in envelope]
    columns: list[Column] = []
    for name in sorted(names):
        spec, have = files.columns[name], found[bronze_name(name)]
        raw = without_nulls(F.col(f"`{bronze_name(name)}`"), spec.nulls)
        cell = typed(raw, have, spec.type, spec.zone, spec.pattern, spec.decimal)
        if name in ids:
            cell = cell.cast("string")
            if have not in _NUMBERS and spec.type == "string":
                cell = normal(cell)
        columns.append(cell.alias(f"_t_{bronze_name(name)}"))
    return Cells(bronze.select(*envelope, *own, *columns), files, found)


def normal(text: Column) -> Column:
    """NFC and outer trim. A kernel on executors: Spark has no NFC of its own, and its trim knows blanks only."""
    from pyspark.sql import functions as F

    return F.udf(normal_id, "string", useArrow=True)(text)


def midnight(day: Column, zone: str) -> Column:
    """A day's first moment in a zone, as UTC."""
    from pyspark.sql import functions as F

    return F.to_utc_timestamp(day.cast("timestamp"), zone)


def minor_units(row: Cells, parts: Sequence[MoneyConfig], per_major: int, units: Column | None = None) -> Column:
    """Minor units, half up, of the sum of columns; null where all are.

    ``units``: whole number that each is multiplied by.
    """
    from pyspark.sql import functions as F

    if not parts:
        return F.lit(None).cast("long")
    amounts = []
    for part in parts:
        factor = per_major if part.unit == "major" else 1
        amounts.append(_minor(row.cell(part.column), factor, row.is_double(part.column), units))
    if len(amounts) == 1:
        return amounts[0]
    total = sum((F.coalesce(a, F.lit(0)) for a in amounts[1:]), start=F.coalesce(amounts[0], F.lit(0)))
    return F.when(F.coalesce(*amounts).isNotNull(), total)


def _minor(number: Column, factor: int, is_double: bool, units: Column | None) -> Column:
    """Number times factor (and units), half up. A double is multiplied as it is wherever that cannot tell another
    integer: all but the amounts that lie on the edge between two, and the very large.
    """
    from pyspark.sql import functions as F

    exact = number.try_cast(_DECIMAL) * F.lit(factor).cast("decimal(4,0)")
    exact = F.round(exact if units is None else exact * units.try_cast("decimal(9,0)"), 0).cast("long")
    if not is_double or units is not None:
        return exact
    product = number * float(factor)
    nearest = F.rint(product)
    clear = (F.abs(number) < _EXACT_BELOW) & (F.abs(product - nearest) < 0.5 - _MARGIN)
    return F.when(clear, nearest.cast("long")).otherwise(exact)


def row_hash(table: Table, leave_out: Iterable[str] = ()) -> Column:
    """xxhash64 over the content columns of a contract and over which of them are null (the hash itself skips nulls)."""
    from pyspark.sql import functions as F

    skip = {"row_hash", "run_id", *leave_out}
    names = [c for c in table.column_names if c not in skip]
    return F.xxhash64(*names, F.array(*(F.isnull(n) for n in names if table.column(n).nullable)))
