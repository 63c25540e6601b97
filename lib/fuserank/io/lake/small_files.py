"""Small files beside the tables: local ones by Python, all others by the driver's Hadoop, as Spark reads the lake."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.io.lake.places import is_local, local_path

if TYPE_CHECKING:
    from pyspark.sql import SparkSession


def read_bytes(spark: SparkSession | None, url: str) -> bytes | None:
    """The file's bytes; None where it is not there. ``spark`` may be left out for local files."""
    if is_local(url):
        path = Path(local_path(url))
        return path.read_bytes() if path.is_file() else None
    system, path_there = _hadoop(spark, url)
    if not system.exists(path_there):
        return None
    stream = system.open(path_there)
    try:
        return bytes(stream.readAllBytes())
    finally:
        stream.close()


def size_of(spark: SparkSession | None, url: str) -> int | None:
    """The file's size (bytes), without reading it; None where it is not there."""
    if is_local(url):
        path = Path(local_path(url))
        return path.stat().st_size if path.is_file() else None
    system, path_there = _hadoop(spark, url)
    return int(system.getFileStatus(path_there).getLen()) if system.exists(path_there) else None


def write_bytes(spark: SparkSession | None, url: str, content: bytes) -> None:
    """Write a file, folders and all, over the one that is there."""
    if is_local(url):
        path = Path(local_path(url))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        return
    system, path_there = _hadoop(spark, url)
    stream = system.create(path_there, True)
    try:
        stream.write(bytearray(content))
    finally:
        stream.close()


def fetched(spark: SparkSession, urls: Sequence[str], folder: Path) -> list[str]:
    """The files as local ones, names in the order of ``urls``: themselves where
    they are local, else copies in ``folder``.
    """
    if all(is_local(url) for url in urls):
        return list(urls)
    folder.mkdir(parents=True, exist_ok=True)
    copies = [folder / f"{n:05d}-{url.rsplit('/', 1)[-1]}" for n, url in enumerate(urls)]
    for url, copy in zip(urls, copies, strict=True):
        system, path_there = _hadoop(spark, url)
        # raw: no .crc beside it
        system.copyToLocalFile(False, path_there, _jvm(spark).org.apache.hadoop.fs.Path(copy.as_uri()), True)
    return [f"file://{copy}" for copy in copies]


def _jvm(spark: SparkSession) -> Any:
    return spark._jvm


def _hadoop(spark: SparkSession | None, url: str) -> tuple[Any, Any]:
    """Hadoop's file system of a URL and the path in it, as Java objects."""
    if spark is None:
        raise ValueError(f"{url} is no local file, and there is no session to read it by")
    path = _jvm(spark).org.apache.hadoop.fs.Path(url)
    session: Any = spark._jsparkSession
    return path.getFileSystem(session.sessionState().newHadoopConf()), path
