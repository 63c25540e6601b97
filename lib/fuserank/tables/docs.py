"""docs/tables.md, written from the contracts."""

from __future__ import annotations

from fuserank.tables import ALL
from fuserank.tables.bronze import bronze_table
from fuserank.tables.contract import Table

_HEAD = """# The tables of the lake
Generated from the contracts in `lib/fuserank/tables/` by `make docs`; `make lint` fails when it is out of date.

Person says how near a column comes to a user: `id` is one by itself (business id, pseudonym, dense number, a row as
it came; of a bronze table also every column of the source), `quasi` could help to find one beside other knowledge.
Erasure, exports and audits go by it.
"""


def section(table: Table) -> str:
    """One table: keys, writer, slices, retention, and a row for each column."""
    facts = [f"Keys: {', '.join(table.keys)}", f"writer: {_writer(table)}"]
    if table.partition_by:
        facts.append(f"partitions: {', '.join(table.partition_by)}")
    facts.append(
        f"a rerun replaces: {', '.join(table.slice_by) if table.slice_by else 'nothing (append or MERGE by keys)'}"
    )
    facts.append(f"retention: {table.retention}")
    facts.append(f"version {table.version}")
    lines = [f"## {_seen(table.name)}", f"{table.doc} Grain: {table.grain}.", "", " · ".join(facts), ""]
    lines += ["| column | type | unit | null | person | meaning |", "|---|---|---|---|---|---|"]
    for c in table.columns:
        doc = _seen(c.doc) + (f" (`{c.check}`)" if c.check else "")
        near = table.person(c).removeprefix("none")
        lines.append(f"| {c.name} | {_seen(c.type)} | {c.unit} | {'yes' if c.nullable else ''} | {near} | {doc} |")
    return "\n".join(lines) + "\n"


def _seen(text: str) -> str:
    """Text in which no pipe ends a cell and no <word> is taken for a tag."""
    return text.replace("|", "\\|").replace("<", "\\<")


def markdown() -> str:
    """The whole page."""
    return "\n".join([_HEAD, *(section(t) for t in (bronze_table("<dataset>_<table>"), *ALL))])


def _writer(table: Table) -> str:
    if table.writer == "*":
        return "every job"
    return f"{table.writer}, and stream beside it" if table.streamed else table.writer
