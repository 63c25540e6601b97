"""Manifests and image of the recommend service: what Kubernetes' schemas say of them, and what they promise."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from fuserank.config.settings import Settings
from fuserank.deploy import kubernetes as k
from fuserank.deploy import kubernetes_serve as serve
from fuserank.deploy.manifest import USER
from fuserank.serving.store import snapshot
from tests.support.golden import ROOT, SERVED, example
from tests.support.service import running
from tests.support.stores import user, write_snapshot

Manifest = dict[str, Any]
VERSION = "1.33"  # of Kubernetes
EVERY = [*serve.claims(example()), *serve.service(example())]
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile.serve").read_text(encoding="utf-8")


def pod(settings: Settings) -> Manifest:
    spec: Manifest = serve.service(settings)[0]["spec"]["template"]["spec"]
    return spec


def container(settings: Settings) -> Manifest:
    (found,) = pod(settings)["containers"]
    return dict(found)


def mounts(settings: Settings) -> dict[str, bool]:
    """Where a pod mounts what, and whether it may write there."""
    return {m["mountPath"]: not m.get("readOnly", False) for m in container(settings)["volumeMounts"]}


@pytest.mark.parametrize("manifest", EVERY, ids=lambda m: f"{m['kind']}-{m['metadata']['name']}")
def test_kubernetes_schemas_take_each(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(manifest | {"specc": {}}, VERSION, strict=True)


def test_all_are_in_the_files_of_the_surface() -> None:
    texts = k.files(example())
    assert re.findall(r"^kind: (\w+)", texts["serve.yaml"], re.M) == ["Deployment", "Service", "PodDisruptionBudget"]
    assert re.findall(r"^kind: (\w+)", texts["claims.yaml"], re.M) == ["PersistentVolumeClaim"] * 2


def test_a_pod_is_restricted_and_writes_into_its_inbox_and_nowhere_else() -> None:
    body, one = pod(example()), container(example())
    assert body["securityContext"]["runAsNonRoot"] is True
    assert body["automountServiceAccountToken"] is False
    held = one["securityContext"]
    assert (held["readOnlyRootFilesystem"], held["allowPrivilegeEscalation"]) == (True, False)
    assert (held["capabilities"], held["runAsUser"]) == ({"drop": ["ALL"]}, USER)
    assert mounts(example()) == {serve.KEYS: False, "/mnt/inbox": True, "/tmp": True, "/mnt/store": False}
    named = {v["name"]: v for v in body["volumes"]}
    assert named["keys"]["secret"] == {"secretName": "fuserank-keys", "defaultMode": 0o440}
    assert named["store"]["persistentVolumeClaim"] == {"claimName": "fuserank-online-store", "readOnly": True}
    assert named["inbox"]["persistentVolumeClaim"] == {"claimName": "fuserank-inbox"}
    assert not any("hostPath" in v for v in body["volumes"])
    assert {m["name"] for m in one["volumeMounts"]} == named.keys()


def test_it_is_looked_at_by_the_service_s_own_routes() -> None:
    from fuserank.serving.routes import ROUTES

    one = container(example())
    probes = {name: one[f"{name}Probe"]["httpGet"] for name in ("startup", "liveness", "readiness")}
    assert {name: probe["path"] for name, probe in probes.items()} == {
        "startup": "/health",
        "liveness": "/health",
        "readiness": "/ready",
    }
    open_to_all = {route.path for route in ROUTES if route.scope is None}
    assert {probe["path"] for probe in probes.values()} <= open_to_all
    assert {probe["port"] for probe in probes.values()} == {one["ports"][0]["name"]}


@pytest.mark.parametrize(("seconds", "grace"), [(30, 45), (0.5, 16), (300, 315)])
def test_a_pod_has_longer_to_leave_than_the_service_takes(seconds: float, grace: int) -> None:
    settings = example(f"serving.shutdown_seconds={seconds}")
    wait = int(container(settings)["lifecycle"]["preStop"]["exec"]["command"][1])
    assert pod(settings)["terminationGracePeriodSeconds"] == grace
    assert grace > wait + seconds


def test_selectors_meet_the_pods_and_no_driver_or_executor() -> None:
    deployment, service, budget = serve.service(example())
    of_pods = deployment["spec"]["template"]["metadata"]["labels"]
    chosen = (deployment["spec"]["selector"]["matchLabels"], service["spec"]["selector"])
    for selector in (*chosen, budget["spec"]["selector"]["matchLabels"]):
        assert selector.items() <= of_pods.items()
        assert not selector.items() <= k.pod_template(example())["metadata"]["labels"].items()
    assert service["spec"]["ports"][0]["targetPort"] == container(example())["ports"][0]["name"]
    assert budget["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize("collects", [False, True])
def test_the_pod_types_what_the_command_takes(monkeypatch: pytest.MonkeyPatch, collects: bool) -> None:
    from typer.testing import CliRunner

    from fuserank.cli import serve as command
    from fuserank.cli.main import app

    started: list[Any] = []
    monkeypatch.setattr(command, "_started", lambda *of: started.append(of))
    done = CliRunner().invoke(
        app, serve.arguments(example("deploy.serve.workers=3", f"serving.collect.on={str(collects).lower()}"))
    )
    assert done.exit_code == 0, done.output
    (settings, places, keys, at, workers, _) = started[0]
    assert (str(places[1]), places[0]) == ("/mnt/inbox", "/mnt/store")
    assert (str(keys), at, workers) == ("/etc/fuserank/keys/keys.yaml", ("0.0.0.0", 8200), 3)
    assert settings.ranking.surface == "home"
    assert (settings.serving.collect.on, settings.dataset) == (collects, example().dataset)


def test_a_store_in_redis_is_mounted_nowhere() -> None:
    settings = example("store.redis=redis://cache:6379/0")
    assert "/mnt/store" not in mounts(settings)
    assert {m["name"] for m in container(settings)["volumeMounts"]} == {v["name"] for v in pod(settings)["volumes"]}
    arguments = serve.arguments(settings)
    assert arguments[arguments.index("--store") + 1] == "redis://cache:6379/0"


def test_sizes_and_classes_are_those_of_the_settings() -> None:
    more = ("memory=512m", "cpu=0.5", "replicas=4", "store_size=3g", "storage_class=nfs")
    settings = example(*(f"deploy.serve.{one}" for one in more))
    assert container(settings)["resources"] == {
        "requests": {"cpu": "0.5", "memory": "512Mi"},
        "limits": {"memory": "512Mi"},
    }
    assert serve.service(settings)[0]["spec"]["replicas"] == 4
    store, inbox = serve.claims(settings)
    assert store["spec"]["resources"]["requests"]["storage"] == "3Gi"
    assert {claim["spec"]["storageClassName"] for claim in (store, inbox)} == {"nfs"}
    assert {tuple(claim["spec"]["accessModes"]) for claim in (store, inbox)} == {("ReadWriteMany",)}


def test_a_refresh_that_fills_the_store_mounts_it_where_the_service_reads_it() -> None:
    settings = example(*SERVED)
    for spec in (k.application(settings, "2017-12-04")["spec"], k.scheduled(settings)["spec"]["template"]):
        assert "store.auto=true" in spec["arguments"]
        assert "store.path=/mnt/store" in spec["arguments"]
        claim = next(v for v in spec["volumes"] if v["name"] == "store")["persistentVolumeClaim"]
        assert claim == {"claimName": settings.deploy.serve.store_claim}
        for role in ("driver", "executor"):
            assert {"name": "store", "mountPath": "/mnt/store"} in spec[role]["volumeMounts"]
    without = k.application(example(), "2017-12-04")["spec"]
    assert "store" not in {v["name"] for v in without["volumes"]}
    assert "store.auto=true" not in without["arguments"]


def test_the_image_has_no_root_asks_health_and_starts_as_the_pod_does() -> None:
    assert re.findall(r"^USER (\d+)$", DOCKERFILE, re.M)[-1] == str(USER)
    assert re.search(r"^STOPSIGNAL SIGTERM$", DOCKERFILE, re.M)
    assert re.search(rf"^HEALTHCHECK .*\n? .*http://127\.0\.0\.1:{serve.PORT}/health", DOCKERFILE, re.M)
    assert re.findall(r"^FROM (\S+)$", DOCKERFILE, re.M) == ["python:3.11.13-slim-bookworm"], "no JVM, no Spark"
    assert "apt-get" not in DOCKERFILE
    (words,) = re.findall(r"^CMD (\[.*\])$", DOCKERFILE, re.M)
    typed = re.findall(r'"([^"]*)"', words)
    rendered = serve.arguments(example())
    assert (
        dict(zip(typed[1::2], typed[2::2], strict=True)).items()
        <= dict(zip(rendered[1::2], rendered[2::2], strict=True)).items()
    )


def test_the_image_is_healthy_while_the_service_answers_and_no_longer(tmp_path: Path) -> None:
    (words,) = re.findall(r"^HEALTHCHECK .*\n +CMD (\[.*\])$", DOCKERFILE, re.M)
    folder = write_snapshot(tmp_path, [user("u1")])
    snapshot.switch(folder.parent, folder.name)

    def looked(port: int) -> int:
        _, *rest = json.loads(words.replace(f":{serve.PORT}/", f":{port}/"))
        return subprocess.run([sys.executable, *rest], capture_output=True, check=False).returncode

    with running(tmp_path) as service:
        assert looked(service.port) == 0
    assert looked(service.port) == 1
