"""Arrow rows as one value, and back: what travels by Spark without being taken apart."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pyarrow as pa


def stream_of(rows: pa.Table | pa.RecordBatch) -> bytes:
    """The rows as an Arrow stream."""
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, rows.schema) as writer:
        writer.write(rows)
    return sink.getvalue().to_pybytes()


def rows_in(stream: Any) -> pa.Table:
    """The rows of ``stream_of``; ``stream``: a scalar of a binary column, whose bytes are not copied."""
    import pyarrow as pa

    return pa.ipc.open_stream(stream.as_buffer()).read_all()
