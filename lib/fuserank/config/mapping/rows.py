"""What a row of a file says by other rows: of another table, or those before it."""

from __future__ import annotations

from collections.abc import Collection

from pydantic import Field

from fuserank.config.base import Section


class JoinConfig(Section):
    """Columns that a table's own files have not: of the row of another table that has the
    same key, such as an order of its lines.
    """

    table: str = Field(description="table in `files`; where nothing else is made of it, it is read for this alone")
    by: dict[str, str] = Field(
        min_length=1, description="column here → the column there with the same ids, one row for each"
    )
    columns: list[str] = Field(
        min_length=1, description="columns that come from there; they are declared here and there"
    )


class FillConfig(Section):
    """Cells that only the first of the rows with one key says, such as the customer in an export of
    orders with a row for each of their lines.
    """

    by: list[str] = Field(min_length=1, description="columns whose values the rows have in common, such as the order")
    columns: list[str] = Field(
        min_length=1,
        description="where such a cell is empty, the last one above it in the file with the same key counts",
    )

    def wrong(self, declared: Collection[str], joined: Collection[str] = ()) -> str | None:
        """What does not fit the table's declared columns, of which ``joined`` come
        from another table; None where all does.
        """
        for part, names in (("by", self.by), ("columns", self.columns)):
            for name in names:
                if name not in declared:
                    return f"{part}: no column {name!r} in columns"
                if name in joined:
                    return f"{part}: {name} comes by join, after cells are filled; name a column of the file itself"
        both = [name for name in self.columns if name in self.by]
        return f"columns: {both[0]} is one of those that rows have in common (by)" if both else None
