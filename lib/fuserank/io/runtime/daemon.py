"""The process that an executor's Python workers are forked from: pyspark's own, warm.

Named in ``spark.python.daemon.module``. A worker of pyspark's daemon imports pandas and pyarrow for itself (.8 s of
CPU) and loses some 150 ms at each task: 65 reading the directory of pyspark.zip again
(``importlib.invalidate_caches``, once for each package in it), 45 collecting garbage over all that it ever imported,
40 until the kernel acknowledges the task's header, without which the JVM's Nagle algorithm holds the first rows back.
Here imports are done once before the fork, in memory that the workers share, and the rest is not paid. A worker that a
task left large gives the system back what is free in it: it waits for its next task for the rest of the run.
"""

from __future__ import annotations

import gc
import importlib
import os
import socket
import zipimport
from typing import IO, Any

from fuserank.io.runtime.allocator import give_freed_memory_back, resident_bytes

_LARGE = 384 << 20  # bytes; below, the next task would only ask for the same pages again
# What nearly every kernel needs and no thread is started by.
_SHARED = (
    "numba",
    "numpy",
    "pandas",
    "pyarrow",
    "pyarrow.compute",
    "pyarrow.parquet",
    "threadpoolctl",
    "pyspark.worker",
    "pyspark.sql.pandas.serializers",
    "pyspark.sql.pandas.types",
)


def warm() -> None:
    """Import what workers share, and keep it out of their garbage collections."""
    # A zip file on the path never changes under a running executor; files that a job adds are read when first seen.
    zipimport.zipimporter.invalidate_caches = lambda self: None  # type: ignore[method-assign]
    for name in _SHARED:
        importlib.import_module(name)
    gc.collect()
    gc.freeze()


def acknowledge_at_once(infile: IO[bytes]) -> None:
    """Have what is read from a worker's socket acknowledged when it is read, until the worker answers."""
    if hasattr(socket, "TCP_QUICKACK"):  # Linux
        with socket.socket(fileno=os.dup(infile.fileno())) as same:
            same.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)


def main() -> None:
    """pyspark's daemon with these changes."""
    from pyspark import daemon

    run_task = daemon.worker_main

    def worker_main(infile: IO[bytes], outfile: IO[bytes]) -> Any:
        acknowledge_at_once(infile)
        try:
            return run_task(infile, outfile)
        finally:
            if resident_bytes() > _LARGE:
                give_freed_memory_back()

    daemon.worker_main = worker_main
    warm()
    daemon.manager()


if __name__ == "__main__":
    main()
