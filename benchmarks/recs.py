"""`make recs` on the demo, timed as a whole, and how good the ranking is that comes out.

    fuserank bench recs --json
    fuserank bench recs --lake DIR --json     # keep the lake

"ours" is the fusion's NDCG@10 on the 28 days from as_of, "peer" that of the best candidate source of the same run.
``seconds``, ``stages`` and ``memory_mb`` (PSS summed over the process tree) are of the refresh with its evaluation
and report; ``quality`` is what `fuserank evaluate --json` says, ``union`` what all sources find together, ``digests``
those of the tables a person compares two versions of the code by.
"""

from __future__ import annotations

import json
import sys
import tempfile
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).resolve().parent))

import _shop
from _watched import Watched

if TYPE_CHECKING:
    from fuserank.config.settings import Settings

AS_OF = "2017-12-04"
DIGESTS = (
    "silver.events",
    "features.user",
    "features.user_item",
    "features.item",
    "candidates.candidates",
    "samples.samples",
    "scores.scores",
    "fusion.fitted",
    "fusion.fused",
    "ranking.ranking",
    "evaluation.metrics",
)


def run(lake: str | None = None) -> dict[str, Any]:
    """One JSON object; the lake is thrown away unless its folder is named."""
    with tempfile.TemporaryDirectory(prefix="fuserank-recs-") as place:
        folder = Path(place)
        root = lake or str(folder / "lake")
        watched, started = Watched(), time.monotonic()
        command = [_fuserank(), "refresh", "--dataset", "completejourney", "--as-of", AS_OF, "--lake", root, "--report"]
        watched.run([*command, "--set", f"out={folder / 'out'}"], {}, folder / "log")
        seconds = time.monotonic() - started
        return measured(_settings(root)) | {
            "seconds": round(seconds, 1),
            "memory_mb": round(max(mb for _, mb in watched.samples)),
        }


def _fuserank() -> str:
    return str(Path(sys.executable).parent / "fuserank")


def _settings(root: str) -> Settings:
    from fuserank.config.settings import load

    return load("local", [f"lake={root}", "dataset=completejourney", f"as_of={AS_OF}"])


def measured(settings: Settings) -> dict[str, Any]:
    """What stands in the lake after a run by ``settings``, ready for JSON."""
    from fuserank.evaluation.measure import protocol_text
    from fuserank.insight.reports.evaluation import summary
    from fuserank.io.lake.digest import digest
    from fuserank.io.runtime.open_lake import open_lake, open_rows
    from fuserank.tables import table
    from fuserank.tables.ops import RUNS
    from fuserank.tables.results import SETS
    from fuserank.usecases.stored_evaluation import saved_rows

    opened = open_lake(settings)
    text = protocol_text(settings.windows.label_days, settings.evaluation)
    quality = summary(saved_rows(open_rows(settings), settings.as_of), settings.as_of, text)
    ledger = opened.read(RUNS).where("job = 'refresh'").orderBy("started_at", ascending=False).first()
    sets = opened.read(SETS, as_of_date=settings.as_of).drop("as_of_date", "run_id")
    rows = [r.asDict() for r in sets.orderBy("segment", "source").collect()]
    every = quality["tracks"]["all"]
    best = max(settings.candidates.sources, key=lambda name: every[name]["ndcg@10"])
    return {
        "name": "recs",
        "ours": every["fusion"]["ndcg@10"],
        "peer": every[best]["ndcg@10"],
        "unit": f"NDCG@10 of the fusion and of its best candidate source, {best}, in the same run",
        "ratio": round(every["fusion"]["ndcg@10"] / every[best]["ndcg@10"], 3),
        "reach": "fusion >= 0.430 on all items, 0.055 on new ones",
        "quality": quality,
        "union": rows,
        "stages": {name: round(s, 1) for name, s in ledger["stage_seconds"].items()},
        "digests": {name: digest(opened.read(table(name)), table(name)) for name in DIGESTS},
        "settings": {"as_of": str(settings.as_of), "lanes": settings.run.lanes, "config_hash": ledger["config_hash"]},
        "versions": _shop.versions("pyspark", "delta-spark", "torch", "petastorm", "numpy", "numba"),
        "seed": settings.seed,
    }


def main() -> None:
    print(json.dumps(run(*sys.argv[1:2])))


if __name__ == "__main__":
    main()
