"""The whole refresh on a standalone cluster of two workers, training included, by
the archive, against the one on local[2].
"""

from __future__ import annotations

import pytest

from tests.cluster.conftest import Shop, say
from tests.support.cluster import Cluster

pytestmark = pytest.mark.cluster
TABLES = (
    "features.user_item",
    "candidates.als_factors",
    "candidates.candidates",
    "samples.samples",
    "scores.scores",
    "fusion.fused",
    "ranking.ranking",
)


def test_two_workers_and_local_give_the_same_bytes(shop: Shop, on_local: str, on_cluster: str) -> None:
    ours, peer = shop.digests(on_cluster, *TABLES), shop.digests(on_local, *TABLES)
    for table in TABLES:
        say(f"{table}: {ours[table][:16]}… on the cluster, {peer[table][:16]}… on local[2]")
    assert ours == peer
    assert list(ours) == list(TABLES)


def test_it_was_one_application_on_both_workers(cluster: Cluster, on_cluster: str) -> None:
    done = [a for a in cluster.state()["completedapps"] if a["name"].startswith("fuserank refresh")]
    assert [(a["state"], a["cores"]) for a in done] == [("FINISHED", 2)]
