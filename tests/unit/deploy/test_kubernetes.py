"""Manifests and Dockerfiles: checked by the operator's own models, Kubernetes' schemas hadolint; each can say no."""

from __future__ import annotations

import copy
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
from pydantic import ValidationError

from fuserank.deploy import kubernetes as k
from fuserank.deploy.manifest import USER
from fuserank.deploy.submit import TARGETS, confs_of
from tests.support.golden import ROOT, SERVED, example

Manifest = dict[str, Any]
DOCKER = ROOT / "deploy" / "docker"
VERSION = "1.33"  # of Kubernetes
EXAMPLE = example(*SERVED)
ONCE, NIGHTLY = k.application(EXAMPLE, "2017-12-04"), k.scheduled(EXAMPLE)


def check_application(manifest: Manifest) -> None:
    """By the operator's models. They drop what they do not know, so what comes out must be what went in."""
    # half a second, which each worker would pay that collects this file
    from kubeflow_spark_api.models import SparkV1beta2ScheduledSparkApplication, SparkV1beta2SparkApplication

    kinds = {
        "SparkApplication": SparkV1beta2SparkApplication,
        "ScheduledSparkApplication": SparkV1beta2ScheduledSparkApplication,
    }
    read = kinds[manifest["kind"]].from_dict(copy.deepcopy(manifest))
    assert read is not None
    assert read.to_dict() == manifest


def specs() -> list[Manifest]:
    return [ONCE["spec"], NIGHTLY["spec"]["template"]]


def pods() -> list[Manifest]:
    """Every pod that an application starts, as Kubernetes would see it, and the template for spark-submit."""
    found = [k.pod_template(EXAMPLE)]
    for spec in specs():
        for role in ("driver", "executor"):
            p = spec[role]
            container = {key: p[key] for key in ("securityContext", "env", "envFrom", "volumeMounts")}
            body = {
                "securityContext": p["podSecurityContext"],
                "containers": [{"name": role, "image": spec["image"], **container}],
                "volumes": spec["volumes"],
            }
            found.append({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": role}, "spec": body})
    return found


def check_restricted(pod: Manifest) -> None:
    """The points of the Pod Security Standard `restricted` that a manifest can keep."""
    held = pod["spec"]["containers"][0]["securityContext"]
    assert held["runAsNonRoot"] is True
    assert held["runAsUser"] > 0
    assert held["allowPrivilegeEscalation"] is False
    assert not held.get("privileged")
    assert held["capabilities"] == {"drop": ["ALL"]}
    assert held["seccompProfile"]["type"] == "RuntimeDefault"
    assert pod["spec"]["securityContext"]["runAsNonRoot"] is True
    assert not any("hostPath" in volume for volume in pod["spec"]["volumes"])


def changed(manifest: Manifest, change: Callable[[Manifest], object]) -> Manifest:
    broken = copy.deepcopy(manifest)
    change(broken)
    return broken


@pytest.mark.parametrize("manifest", [ONCE, NIGHTLY], ids=lambda m: m["kind"])
def test_the_operators_models_take_the_application(manifest: Manifest) -> None:
    check_application(manifest)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["spec"]["driver"].update(memmory="4g"),
        lambda m: m["spec"]["driver"].update(cores="4"),
        lambda m: m["spec"].pop("executor"),
        lambda m: m["spec"]["restartPolicy"].update(onFailureRetries="two"),
        lambda m: m["spec"]["driver"]["securityContext"].update(runAsNonroot=True),
    ],
)
def test_the_operators_models_refuse_a_broken_one(change: Callable[[Manifest], object]) -> None:
    with pytest.raises((AssertionError, ValidationError, TypeError)):
        check_application(changed(ONCE, change))


@pytest.mark.parametrize(
    "manifest", [*k.access(EXAMPLE), *pods()], ids=lambda m: f"{m['kind']}-{m['metadata']['name']}"
)
def test_kubernetes_schemas_take_what_is_its_own(manifest: Manifest) -> None:
    kubernetes_validate.validate(manifest, VERSION, strict=True)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["spec"].pop("containers"),
        lambda m: m["spec"]["containers"][0].update(imagee="x"),
        lambda m: m["spec"]["containers"][0]["securityContext"].update(runAsUser="root"),
    ],
)
def test_kubernetes_schemas_refuse_a_broken_pod(change: Callable[[Manifest], object]) -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(changed(pods()[0], change), VERSION, strict=True)


@pytest.mark.parametrize("pod", pods(), ids=lambda m: m["metadata"]["name"])
def test_every_pod_is_restricted(pod: Manifest) -> None:
    check_restricted(pod)


@pytest.mark.parametrize(
    "change",
    [
        lambda m: m["spec"]["containers"][0]["securityContext"].update(runAsUser=0),
        lambda m: m["spec"]["containers"][0]["securityContext"].update(capabilities={"drop": []}),
        lambda m: m["spec"]["volumes"].append({"name": "x", "hostPath": {"path": "/"}}),
    ],
)
def test_a_pod_with_more_rights_is_seen(change: Callable[[Manifest], object]) -> None:
    with pytest.raises(AssertionError):
        check_restricted(changed(pods()[0], change))


def test_a_night_that_is_still_under_way_is_not_joined_and_each_is_as_of_its_own_day() -> None:
    spec = NIGHTLY["spec"]
    assert (spec["concurrencyPolicy"], spec["schedule"], spec["timeZone"]) == ("Forbid", "30 3 * * *", "UTC")
    arguments = spec["template"]["arguments"]
    assert arguments[arguments.index("--as-of") + 1] == "today"
    assert k.scheduled(example("deploy.start_hour=23", "deploy.start_minute=5"))["spec"]["schedule"] == "5 23 * * *"


@pytest.mark.parametrize("spec", specs())
def test_the_application_has_all_of_the_submit_commands_settings(spec: Manifest) -> None:
    """Nothing that the command for cluster mode says is lost on the way into the operator's fields."""
    confs = confs_of(TARGETS["kubernetes-cluster"], "refresh", example(), None)
    settings = {
        **spec["sparkConf"],
        "spark.kubernetes.container.image": spec["image"],
        "spark.kubernetes.namespace": ONCE["metadata"]["namespace"],
        "spark.kubernetes.authenticate.driver.serviceAccountName": spec["driver"]["serviceAccount"],
        "spark.executor.instances": str(spec["executor"]["instances"]),
    }
    for role in ("driver", "executor"):
        settings |= {f"spark.{role}.{field}": str(spec[role][field]) for field in ("cores", "memory", "memoryOverhead")}
        prefix = "spark.kubernetes.driverEnv." if role == "driver" else "spark.executorEnv."
        settings |= {f"{prefix}{e['name']}": e["value"] for e in spec[role]["env"]}
    templates = {key for key in confs if key.endswith("podTemplateFile")}
    assert {key: value for key, value in confs.items() if key not in templates}.items() <= settings.items()


@pytest.mark.parametrize("file", sorted(DOCKER.glob("Dockerfile.*")), ids=lambda p: p.name)
def test_hadolint_takes_the_dockerfiles(file: Path) -> None:
    done = hadolint(file)
    assert done.returncode == 0, done.stdout


@pytest.mark.parametrize(
    ("line", "rule"),
    [
        ("FROM python", "DL3006"),
        ("FROM python:latest", "DL3007"),
        ("USER root", "DL3002"),
        ("RUN apt-get install curl", "DL3008"),
    ],
)
def test_hadolint_refuses_a_broken_one(line: str, rule: str, tmp_path: Path) -> None:
    broken = tmp_path / "Dockerfile"
    broken.write_text(f"FROM python:3.11.13-slim-bookworm\n{line}\n", encoding="utf-8")
    done = hadolint(broken)
    assert done.returncode != 0
    assert rule in done.stdout


def hadolint(file: Path) -> subprocess.CompletedProcess[str]:
    tool = Path(sys.executable).parent / "hadolint"
    return subprocess.run([str(tool), "--no-color", str(file)], capture_output=True, text=True, check=False)


def test_images_and_manifests_have_the_spark_and_python_that_the_lock_has() -> None:
    lock = (ROOT / "requirements" / "run.txt").read_text(encoding="utf-8")
    spark = re.search(r"^pyspark==(\S+)", lock, re.MULTILINE)
    assert spark is not None
    assert ONCE["spec"]["sparkVersion"] == spark.group(1)
    data = (DOCKER / "Dockerfile.data").read_text(encoding="utf-8")
    assert f"ARG SPARK_VERSION={spark.group(1)}\n" in data
    assert "\nFROM python:3.11." in data


def test_images_carry_the_names_that_the_manifests_ask_for_and_run_as_their_user() -> None:
    images = example().deploy.kubernetes
    data, train, serve = (
        (DOCKER / f"Dockerfile.{name}").read_text(encoding="utf-8") for name in ("data", "train", "serve")
    )
    assert f"-t {images.data_image} " in data
    assert f"-t {images.train_image} " in train
    assert f"\nFROM {images.data_image}\n" in train
    assert f"-t {example().deploy.serve.image} " in serve
    for text in (data, train, serve):
        assert re.findall(r"^USER (\d+)$", text, re.MULTILINE)[-1] == str(USER)
