"""URLs of object stores over local folders: Hadoop's own overload of a scheme by
mount points, so that no store is needed.

Spark and Delta handle the URL as they would with the store's driver, Delta's choice of a log store by scheme included.
What a store does with requests is not in it.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_OVERLOAD = "org.apache.hadoop.fs.viewfs.ViewFileSystemOverloadScheme"


def mount(spark: SparkSession, url: str, folder: Path) -> None:
    """``url`` (scheme://authority/top) leads into ``folder`` from now on, in this session and its tasks."""
    parts, conf = urlsplit(url), hadoop_conf(spark)  # of a bucket without _, which Java takes for no host
    conf.set(f"fs.{parts.scheme}.impl", _OVERLOAD)
    conf.set("fs.viewfs.overload.scheme.target.file.impl", "org.apache.hadoop.fs.LocalFileSystem")
    conf.set(f"fs.viewfs.mounttable.{parts.netloc}.link./{parts.path.strip('/').split('/')[0]}", folder.as_uri())


def hadoop_conf(spark: SparkSession) -> Any:
    context: Any = spark.sparkContext._jsc
    return context.hadoopConfiguration()
