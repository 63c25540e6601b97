"""The best settings of a search as a file that ``--set @FILE`` takes."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from fuserank.usecases.tune import Outcome


def settings_text(found: Outcome, dataset: str, now: dt.datetime) -> str:
    """YAML of the settings that differ, under a comment that says what they are, of which data, and both numbers."""
    import yaml

    last, default, best = found.rungs[-1], found.default, found.best
    head = [
        f"Settings of {found.model} for {dataset}, by `fuserank tune`, {now:%Y-%m-%d %H:%M} UTC. No run reads them by",
        "itself: name this file by --set @FILE.",
        f"Judged on the split valid of the samples as of {last.as_of} (samples.samples, Delta version {found.version},",
        f"{last.train_rows:,} training rows), by which they were chosen: the days after as_of are not looked at.",
        f"log loss {default.loss:.5f} → {best.loss:.5f}, NDCG@10 {default.ndcg:.4f} → {best.ndcg:.4f}: the settings as"
        " they were → these;",
        f"trial {best.number} of {len(found.trials)}, seed {found.seed}, {found.parallel} at once.",
    ]
    content: dict[str, Any] = {}
    for path, value in found.settings.items():
        *above, name = path.split(".")
        place = content
        for key in above:
            place = place.setdefault(key, {})
        place[name] = list(value) if isinstance(value, tuple) else value
    body = yaml.safe_dump(content, sort_keys=False, default_flow_style=None, width=120)
    return "".join(f"# {line}\n" for line in head) + body
