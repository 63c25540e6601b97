"""Records of Kafka's topics as segments of the inbox: from there on they are collected events like any others.

A record is one event, the JSON line that a service would keep. A topic's records that a micro-batch reads become one
segment, named by their offsets: so a batch that is done again finds its segment, and bronze takes each once. How far a
topic came is noted beside its segments, so a lost checkpoint brings no record twice.
"""

from __future__ import annotations

import hashlib
import json
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.durable import write_whole
from fuserank.common.errors import FuserankError
from fuserank.io.lake.places import is_local, local_path
from fuserank.io.runtime.run import Run
from fuserank.serving.inbox import segments
from fuserank.sources.files.read import literal

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, Row

PACKAGE = "org.apache.spark:spark-sql-kafka-0-10_2.13:4.0.0"
_PROVIDER = "org.apache.spark.sql.kafka010.KafkaSourceProvider"


class Topics:
    """The topics of a mapping's tables, and the folders that their records land in.

    :param places: table → folder of its segments, as ``stream_source.folders`` gives them
    :raises FuserankError: no servers are named, a folder is not of this machine, Spark lacks Kafka's jars
    """

    def __init__(self, run: Run, places: dict[str, str]) -> None:
        cfg = run.settings.stream
        if not cfg.servers:
            raise FuserankError("stream.servers names no Kafka; --set stream.servers=host:9092")
        if unknown := sorted(cfg.topics.keys() - places.keys()):
            raise FuserankError(f"stream.topics names {', '.join(unknown)}; events come from {', '.join(places)}")
        if far := [place for place in places.values() if not is_local(place)]:
            raise FuserankError(f"records of Kafka land in a folder that this machine writes, and {far[0]} is none")
        _require_jars(run)
        self._run, self._cfg = run, cfg
        self._tables = {cfg.topics.get(table, table): table for table in places}
        self._folders = {table: Path(local_path(place)) for table, place in places.items()}

    def stream(self) -> DataFrame:
        """A streaming frame of their records, from the first that Kafka has; a checkpoint goes on after its last.

        Where Kafka has deleted what was not read yet, the query fails, as that is lost.
        """
        own = {
            "kafka.bootstrap.servers": self._cfg.servers,
            "subscribe": ",".join(sorted(self._tables)),
            "startingOffsets": "earliest",
            "maxOffsetsPerTrigger": str(self._cfg.most_events),
            "failOnDataLoss": "true",
        }
        options = own | {f"kafka.{name}": value for name, value in self._cfg.kafka.items()}
        records = self._run.spark.readStream.format("kafka").options(**options).load()
        return records.select("topic", "partition", "offset", "timestamp", "value")

    def landed(self, batch: DataFrame) -> dict[str, list[str]]:
        """Table → path of the segment that has the batch's records, on disk by now; as Spark takes it.

        :raises FuserankError: the folder takes nothing more
        """
        by_topic = defaultdict[str, list["Row"]](list)
        for row in batch.orderBy("topic", "partition", "offset").collect():
            by_topic[row["topic"]].append(row)
        found = {}
        for topic, records in by_topic.items():
            table = self._tables[topic]
            path = self._folders[table] / _name(topic, records)
            try:
                self._write(path, self._folders[table] / f".kafka-{topic}.json", records)
            except OSError as problem:
                raise FuserankError(
                    f"the inbox {path.parent} takes no records of {topic}: {problem.strerror}; the stream goes on from "
                    "them when it is started again"
                ) from None
            if path.exists():
                found[table] = [f"file://{literal(str(path))}"]
        return found

    def _write(self, path: Path, note: Path, records: list[Row]) -> None:
        """The segment, then the note; again after a death between them, where the segment has its name already."""
        ends = {int(p): o for p, o in json.loads(note.read_text()).items()} if note.exists() else dict[int, int]()
        new = [row for row in records if row["offset"] >= ends.get(row["partition"], 0)]
        if not new:
            return
        lines = [line for row in new if (line := _line(row["value"]))]
        self._run.count("kafka_records", len(new))
        if lines and not path.exists():
            write_whole(path, b"".join(lines))
        ends |= {row["partition"]: row["offset"] + 1 for row in new}
        write_whole(note, json.dumps(ends).encode())


def _name(topic: str, records: list[Row]) -> str:
    """As of a segment: the newest record's time, the topic, the offsets."""
    ranges: dict[int, list[int]] = {}
    for row in records:
        ranges.setdefault(row["partition"], [row["offset"], 0])[1] = row["offset"]
    newest = max(row["timestamp"] for row in records)
    of_topic = hashlib.blake2b(topic.encode(), digest_size=4).hexdigest()
    offsets = hashlib.blake2b(json.dumps([topic, sorted(ranges.items())]).encode(), digest_size=6).hexdigest()
    return f"{newest:%Y%m%dT%H%M%SZ}-{of_topic}-{offsets}{segments.WHOLE}"


def _line(value: Any) -> bytes:
    """A record as one line; nothing of one without a value."""
    text = bytes(value or b"").strip()
    return text.replace(b"\r\n", b" ").replace(b"\n", b" ").replace(b"\r", b" ") + b"\n" if text else b""


def _require_jars(run: Run) -> None:
    from py4j.protocol import Py4JJavaError  # type: ignore[import-untyped]

    jvm: Any = run.spark.sparkContext._jvm
    try:
        jvm.java.lang.Thread.currentThread().getContextClassLoader().loadClass(_PROVIDER)
    except Py4JJavaError:
        raise FuserankError(
            f"Spark has no driver for Kafka; add --packages {PACKAGE} to spark-submit jobs/stream.py, or "
            "spark.jars.packages to `submit` in conf/env and run `fuserank setup`"
        ) from None
