"""One size of `bench scale`, in a process of its own so that its memory is its own:
the chain, one step after the other.

    FUSERANK_CONF=FOLDER/conf python benchmarks/_scale_run.py FOLDER COPIES SAMPLED_USERS [STEP …]

Leaves FOLDER/run.json: every step's name, job and wall-clock begin and end.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

from fuserank.config.mapping.load import load_dataset
from fuserank.config.settings import load
from fuserank.io.runtime.run import open_run
from fuserank.usecases.chain import steps

AS_OF = "2017-12-04"
# Of one copy, as they ship; a shop n times as large gets n times as many.
PARTITIONS, SHARDS = 4, 24


def main(folder: Path, copies: int, sampled: int, only: list[str]) -> None:
    """The whole chain, or only its steps of these names; ``sampled`` users make the
    samples that train, whatever the size.
    """
    settings = load(
        "local",
        [
            f"lake={folder / 'lake'}",
            f"as_of={AS_OF}",
            "dataset=completejourney",
            f"samples.users={sampled}",
            f"samples.shards={SHARDS * copies}",
            "candidates.max_rows=null",
            f"spark={{spark.sql.shuffle.partitions: '{PARTITIONS * copies}'}}",
        ],
    )
    done = []
    with open_run("refresh", settings, settings.as_of) as run:
        for step in steps(run.as_of, settings, load_dataset(settings.dataset)):
            if only and step.name not in only:
                continue
            begun = time.time()
            with run.stage(f"{step.name} as of {step.day}"):
                step.execute(run, step.day)
            done.append({"name": step.name, "job": step.job, "begun": begun, "ended": time.time()})
        rows = dict(run.lake.rows_written)
    (folder / "run.json").write_text(json.dumps({"steps": done, "rows_written": rows}), encoding="utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
