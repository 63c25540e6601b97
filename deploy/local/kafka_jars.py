"""`make kafka-test`: the jars of Spark's driver for Kafka and of a broker, into .venv, by their locks."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "lib"))

from fuserank.deploy.setup import install_jars  # noqa: E402


def main(env: Path) -> None:
    """Fetch what is not there; a jar that is not as its lock says is refused."""
    for folder in ("kafka-jars", "kafka-broker-jars"):
        install_jars(env, folder, ROOT / "requirements" / f"{folder}.lock", print)


if __name__ == "__main__":
    main(ROOT / ".venv")
