"""Events by way of a real Kafka broker into silver: each once, whatever dies between, and bronze has them, too."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from fuserank.common.errors import FuserankError
from fuserank.jobs.parts import stream_query
from fuserank.tables.bronze import bronze_table
from fuserank.tables.ops import QUARANTINE
from tests.jobs.test_stream import batch, rows, streaming
from tests.support.collecting import click, clicks
from tests.support.jvm import TWO_SLOTS
from tests.support.kafka import Broker, jars_for_spark
from tests.support.lakes import fresh
from tests.unit.serving.test_inbox import no_file_beyond

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.io.lake.lake import Lake
    from fuserank.io.runtime.run import Run

pytestmark = pytest.mark.kafka
IMPATIENT = {"default.api.timeout.ms": "4000", "request.timeout.ms": "3000"}


@pytest.fixture(scope="session")
def spark() -> Iterator[SparkSession]:
    """A session that knows Kafka."""
    from fuserank.config.settings import load
    from fuserank.io.runtime.session import apply_runtime, start

    with pytest.MonkeyPatch.context() as patch:
        delta = ",".join(map(str, (Path(__file__).resolve().parents[2] / ".venv" / "jars").glob("*.jar")))
        patch.setenv("PYSPARK_SUBMIT_ARGS", f"--jars {delta},{jars_for_spark()} {TWO_SLOTS}")
        session = start("fuserank-kafka-tests")
    apply_runtime(session, load("local", ["dataset=completejourney"]).spark)
    yield session
    session.stop()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    one = Broker(tmp_path_factory.mktemp("kafka"))
    one.start()
    yield one
    one.kill()


def send(spark: SparkSession, broker: Broker, topic: str, *events: dict[str, Any] | str | None) -> None:
    """Records of a topic; a text is one as it stands, None has no value."""
    values = [(json.dumps(one) if isinstance(one, dict) else one,) for one in events]
    frame = spark.createDataFrame(values, "value string")
    frame.write.format("kafka").option("kafka.bootstrap.servers", broker.servers).option("topic", topic).save()


def from_kafka(lake: Lake, dataset: DatasetConfig, root: Path, broker: Broker, topic: str, **changes: Any) -> Run:
    options = {"source": "kafka", "servers": broker.servers, "topics": {"clicks": topic}, "kafka": IMPATIENT}
    return streaming(lake, dataset, root, **(options | changes))


def test_each_record_is_in_silver_once_though_a_batch_dies_and_the_checkpoint_is_lost(
    spark: SparkSession, broker: Broker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    dataset, lake, topic = clicks(str(tmp_path)), fresh(spark), "shop.clicks"
    spread = json.dumps(click(line="spread"), indent=1)
    send(spark, broker, topic, click(line="a"), click("dance"), spread, "{broken", None, click(user=None))
    with monkeypatch.context() as patch:
        patch.setattr(stream_query, "take", _dies)
        with pytest.raises(MemoryError, match="between landing and silver"):
            from_kafka(lake, dataset, tmp_path, broker, topic)
    again = from_kafka(lake, dataset, tmp_path, broker, topic).metrics
    assert (again["stream_events"], again["stream_inserted"]) == (5, 2)
    assert "kafka_records" not in again  # they had landed
    send(spark, broker, topic, click(line="b"), click(line="a", item="i4"))
    lost = from_kafka(lake, dataset, tmp_path, broker, topic, checkpoint=str(tmp_path / "another")).metrics
    assert (lost["kafka_records"], lost["stream_inserted"]) == (2, 1)
    before = rows(lake)
    assert len(before) == 3
    batch(lake, dataset, tmp_path)
    assert rows(lake) == before
    assert lake.read(bronze_table("shop_clicks")).count() == 7
    rules = sorted(row["rule"] for row in lake.read(QUARANTINE).collect())
    assert rules == ["duplicate_event", "no_user", "unknown_type", "unreadable"]


def test_a_full_disk_ends_the_stream_in_a_line_and_its_records_come_afterwards(
    spark: SparkSession, broker: Broker, tmp_path: Path
) -> None:
    dataset, lake, topic = clicks(str(tmp_path)), fresh(spark), "full"
    send(spark, broker, topic, *(click() for _ in range(200)))
    with no_file_beyond(15_000), pytest.raises(FuserankError, match="takes no records of full: File too large"):
        from_kafka(lake, dataset, tmp_path, broker, topic)
    assert from_kafka(lake, dataset, tmp_path, broker, topic).metrics["stream_inserted"] == 200


def _dies(*_: Any) -> int:
    raise MemoryError("between landing and silver")


def test_a_broker_that_is_killed_ends_the_stream_in_a_line_and_its_records_come_when_it_is_back(
    spark: SparkSession, broker: Broker, tmp_path: Path
) -> None:
    dataset, lake, topic = clicks(str(tmp_path)), fresh(spark), "stopped"
    send(spark, broker, topic, *(click() for _ in range(50)))
    assert from_kafka(lake, dataset, tmp_path, broker, topic).metrics["stream_inserted"] == 50
    send(spark, broker, topic, *(click() for _ in range(50)))
    broker.kill()
    with pytest.raises(FuserankError, match="the stream ended: "):
        from_kafka(lake, dataset, tmp_path, broker, topic)
    broker.start()
    assert from_kafka(lake, dataset, tmp_path, broker, topic).metrics["stream_inserted"] == 50
    assert len(rows(lake)) == 100
