"""The contracts: every table of the lake, once."""

from __future__ import annotations

from fuserank.tables import candidates, exposures, features, ops, results, samples, silver, vault, vectors
from fuserank.tables.contract import Column, ContractError, Table

ALL: tuple[Table, ...] = (
    *silver.TABLES,
    *exposures.TABLES,
    *features.TABLES,
    *candidates.TABLES,
    *samples.TABLES,
    *results.TABLES,
    *vectors.TABLES,
    *ops.TABLES,
    *vault.TABLES,
)


def table(name: str) -> Table:
    """The contract of that name; bronze tables are open and made by ``bronze.bronze_table``."""
    for t in ALL:
        if t.name == name:
            return t
    raise ContractError(f"no table {name!r}; there are: {', '.join(t.name for t in ALL)}")


__all__ = ["ALL", "Column", "ContractError", "Table", "table"]
