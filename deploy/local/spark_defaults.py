"""Render one file's `submit` into spark-defaults.conf, for tests and other machines;
`fuserank setup` does it for an environment.

Usage: python deploy/local/spark_defaults.py conf/env/local.yaml FOLDER_OF_JARS [FOLDER]
"""

from __future__ import annotations

import sys
from pathlib import Path

from fuserank.config.places import read_yaml
from fuserank.deploy.spark_defaults import SparkDefaultsError, write


def main(env_file: str, jars: str, folder: str | None = None) -> int:
    try:
        write(
            read_yaml(Path(env_file))["submit"], Path(jars), f"conf/env/{Path(env_file).name}", folder and Path(folder)
        )
    except SparkDefaultsError as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(*sys.argv[1:]))
