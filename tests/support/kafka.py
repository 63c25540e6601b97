"""A Kafka broker (KRaft, one node) as a process on loopback, from the jars that deploy/local/kafka_jars.py fetched."""

from __future__ import annotations

import os
import socket
import subprocess
import uuid
from base64 import urlsafe_b64encode
from pathlib import Path

import pyspark

from tests.support.processes import ROOT
from tests.support.service import until

_JARS = Path(os.environ.get("FUSERANK_KAFKA_JARS", ROOT / ".venv"))
_CONFIG = """
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:{controller}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:{port},CONTROLLER://127.0.0.1:{controller}
log.dirs={logs}
num.partitions=2
offsets.topic.replication.factor=1
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
group.initial.rebalance.delay.ms=0
"""


def jars_for_spark() -> str:
    """Spark's driver for Kafka, as --jars takes it."""
    return ",".join(sorted(map(str, (_JARS / "kafka-jars").glob("*.jar"))))


class Broker:
    """Stopped and started again it has what it had."""

    def __init__(self, folder: Path) -> None:
        self.port, controller = _free(), _free()
        self.servers = f"127.0.0.1:{self.port}"
        self._folder, self._config = folder, folder / "server.properties"
        self._config.write_text(_CONFIG.format(port=self.port, controller=controller, logs=folder / "logs"))
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).decode().rstrip("=")
        tool = ["kafka.tools.StorageTool", "format", "-t", cluster, "-c", str(self._config)]
        subprocess.run(self._java(*tool), check=True, capture_output=True, timeout=120)
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Until it answers."""
        with (self._folder / "broker.log").open("ab") as log:
            self._process = subprocess.Popen(self._java("kafka.Kafka", str(self._config)), stdout=log, stderr=log)
        until(self._answers, 120)

    def kill(self) -> None:
        """By SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(30)

    def _answers(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, (self._folder / "broker.log").read_text()[-2000:]
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.port)) == 0

    def _java(self, *words: str) -> list[str]:
        scala = next((Path(pyspark.__file__).parent / "jars").glob("scala-library-*.jar"))
        return ["java", "-Xmx512m", "-cp", f"{_JARS / 'kafka-broker-jars'}/*:{scala}", *words]


def _free() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
