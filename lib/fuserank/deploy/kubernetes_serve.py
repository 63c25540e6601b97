"""Manifests of the recommend service: its pods, the way to them, how many may go at once, and the volumes.

The store is written by the refresh (``store.auto``) into a volume that pods of the service mount read-only.
"""

from __future__ import annotations

import math

from fuserank.config.settings import Settings
from fuserank.deploy.manifest import (
    Manifest,
    claimed,
    container_security,
    inbox_folder,
    labels,
    pod_security,
    store_folder,
)
from fuserank.deploy.submit import IMAGE_HOME

NAME, PART, PORT = "fuserank-serve", "serve", 8200
KEYS, KEYS_FILE = "/etc/fuserank/keys", "keys.yaml"
_LEAVES_SECONDS = 10  # until every node's proxy has heard that a pod takes no more requests
_SPARE_SECONDS = 5  # beyond all waits of the service, before a pod is killed
_UNITS = {"g": "Gi", "m": "Mi"}


def claims(settings: Settings) -> list[Manifest]:
    """The volumes: of the store, which drivers and executors write, and of the inbox, which the service writes."""
    s = settings.deploy.serve
    return [_claim(settings, s.store_claim, s.store_size), _claim(settings, s.inbox_claim, s.inbox_size)]


def service(settings: Settings) -> list[Manifest]:
    """Deployment, Service and PodDisruptionBudget."""
    return [_deployment(settings), _service(settings), _budget(settings)]


def _deployment(settings: Settings) -> Manifest:
    spec = {
        "replicas": settings.deploy.serve.replicas,
        "selector": {"matchLabels": labels(PART)},
        "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxUnavailable": 0, "maxSurge": 1}},
        "template": {"metadata": {"labels": labels(PART)}, "spec": _pod(settings)},
    }
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": _metadata(settings), "spec": spec}


def _pod(settings: Settings) -> Manifest:
    s = settings.deploy.serve
    volumes: list[Manifest] = [
        {"name": "keys", "secret": {"secretName": s.keys_secret, "defaultMode": 0o440}},
        claimed("inbox", s.inbox_claim),
        {"name": "tmp", "emptyDir": {"sizeLimit": "256Mi"}},
    ]
    if not settings.store.redis:
        volumes.append(claimed("store", s.store_claim, read_only=True))
    return {
        "automountServiceAccountToken": False,
        "enableServiceLinks": False,
        "terminationGracePeriodSeconds": grace_seconds(settings),
        "securityContext": pod_security(),
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
                "labelSelector": {"matchLabels": labels(PART)},
            }
        ],
        "containers": [_container(settings)],
        "volumes": volumes,
    }


def grace_seconds(settings: Settings) -> int:
    """What a pod has from its notice to leave until it is killed: the wait before SIGTERM, the answers under way."""
    return _LEAVES_SECONDS + math.ceil(settings.serving.shutdown_seconds) + _SPARE_SECONDS


def _container(settings: Settings) -> Manifest:
    s = settings.deploy.serve
    memory = s.memory[:-1] + _UNITS[s.memory[-1]]
    mounts: list[Manifest] = [
        {"name": "keys", "mountPath": KEYS, "readOnly": True},
        {"name": "inbox", "mountPath": inbox_folder(settings)},
        {"name": "tmp", "mountPath": "/tmp"},
    ]
    if not settings.store.redis:
        mounts.append({"name": "store", "mountPath": store_folder(settings), "readOnly": True})
    return {
        "name": PART,
        "image": s.image,
        "imagePullPolicy": "IfNotPresent",
        "args": arguments(settings),
        "ports": [{"name": "http", "containerPort": PORT}],
        "env": [{"name": "TZ", "value": "UTC"}, {"name": "FUSERANK_CONF", "value": f"{IMAGE_HOME}/conf"}],
        # the pods face the network: neither the lake's keys nor that of pseudonyms are theirs
        "envFrom": [{"secretRef": {"name": s.secret}}] if s.secret else [],
        # no limit of cores: one that is reached holds answers back in the middle
        "resources": {"requests": {"cpu": f"{s.cpu:g}", "memory": memory}, "limits": {"memory": memory}},
        # a large store is read once, against its checksums, before anything is answered
        "startupProbe": _asks("/health", periodSeconds=2, timeoutSeconds=2, failureThreshold=150),
        "livenessProbe": _asks("/health", periodSeconds=10, timeoutSeconds=5, failureThreshold=3),
        "readinessProbe": _asks("/ready", periodSeconds=5, timeoutSeconds=2, failureThreshold=2),
        "lifecycle": {"preStop": {"exec": {"command": ["sleep", str(_LEAVES_SECONDS)]}}},
        "securityContext": container_security() | {"readOnlyRootFilesystem": True},
        "volumeMounts": mounts,
    }


def arguments(settings: Settings) -> list[str]:
    """Of the image's `fuserank`; all else is in its conf/."""
    found = ["serve", "--env", settings.env, "--surface", settings.ranking.surface]
    found += ["--store", settings.store.redis or store_folder(settings), "--keys", f"{KEYS}/{KEYS_FILE}"]
    found += ["--inbox", inbox_folder(settings)]
    if settings.serving.collect.on:  # by the mapping in the image's conf/
        found += ["--collect", "--dataset", settings.dataset]
    return [*found, "--host", "0.0.0.0", "--port", str(PORT), "--workers", str(settings.deploy.serve.workers)]


def _asks(path: str, **times: int) -> Manifest:
    return {"httpGet": {"path": path, "port": "http"}, **times}


def _service(settings: Settings) -> Manifest:
    spec = {"selector": labels(PART), "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": _metadata(settings), "spec": spec}


def _budget(settings: Settings) -> Manifest:
    """One pod at a time may be asked to leave; a drained node waits for the others."""
    spec = {"maxUnavailable": 1, "selector": {"matchLabels": labels(PART)}}
    return {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget", "metadata": _metadata(settings), "spec": spec}


def _claim(settings: Settings, name: str, size: str) -> Manifest:
    storage_class = settings.deploy.serve.storage_class
    spec = {
        "accessModes": ["ReadWriteMany"],
        "resources": {"requests": {"storage": size[:-1] + _UNITS[size[-1]]}},
        **({"storageClassName": storage_class} if storage_class else {}),
    }
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": _metadata(settings) | {"name": name},
        "spec": spec,
    }


def _metadata(settings: Settings) -> Manifest:
    return {"name": NAME, "namespace": settings.deploy.kubernetes.namespace, "labels": labels(PART)}
