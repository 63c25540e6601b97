"""Manifests: who may start pods, how every pod is held, and the chain as a SparkApplication, once and every night.

The kinds are kubeflow's Spark operator's (sparkoperator.k8s.io/v1beta2). The whole chain is one application: it starts
each step as soon as its tables are there.
"""

from __future__ import annotations

from typing import Any

import yaml

from fuserank.config.settings import Settings
from fuserank.deploy.submit import IMAGE_HOME, TARGETS, arguments, confs_of

Manifest = dict[str, Any]
HEAD = "# rendered by `fuserank render kubernetes`: change conf/ or the arguments, then render again\n"
USER = 185  # the official Spark image's, and that of deploy/docker/
_DAY_SECONDS = 86_400
# What the operator's fields say instead of Spark's settings; the operator refuses to be told twice.
_FIELDS = {
    "spark.driver.cores",
    "spark.driver.memory",
    "spark.driver.memoryOverhead",
    "spark.executor.instances",
    "spark.executor.cores",
    "spark.executor.memory",
    "spark.executor.memoryOverhead",
    "spark.executorEnv.TZ",
}
_OPERATOR_SETS = "spark.kubernetes."


def files(settings: Settings) -> dict[str, str]:
    """Each manifest's text by file name; access.yaml has several."""
    once, nightly = application(settings, str(settings.as_of)), scheduled(settings)
    return {
        "access.yaml": _text(*access(settings)),
        "pod-template.yaml": _text(pod_template(settings)),
        "refresh.yaml": _text(once),
        "refresh-nightly.yaml": _text(nightly),
    }


def access(settings: Settings) -> list[Manifest]:
    """The namespace, where only restricted pods may run, and the drivers' account with the rights that Spark uses."""
    k = settings.deploy.kubernetes
    named = {"name": k.service_account, "namespace": k.namespace}
    labels = {"pod-security.kubernetes.io/enforce": "restricted"}
    made = ["pods", "services", "configmaps", "persistentvolumeclaims"]
    verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": k.namespace, "labels": labels}},
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": named},
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": named,
            "rules": [{"apiGroups": [""], "resources": made, "verbs": verbs}],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": named,
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": k.service_account},
            "subjects": [{"kind": "ServiceAccount", "name": k.service_account, "namespace": k.namespace}],
        },
    ]


def pod_template(settings: Settings) -> Manifest:
    """For plain spark-submit: what the operator's fields say of each pod."""
    held = _held(settings)
    container = {"name": "spark", "securityContext": held["securityContext"], "envFrom": held["envFrom"]}
    container["volumeMounts"] = held["volumeMounts"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "fuserank", "labels": _labels()},
        "spec": {
            "securityContext": held["podSecurityContext"],
            "containers": [container],
            "volumes": volumes(),
        },
    }


def application(settings: Settings, as_of: str) -> Manifest:
    """The chain once, as of a day."""
    k = settings.deploy.kubernetes
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": {"name": f"fuserank-refresh-{as_of}", "namespace": k.namespace, "labels": _labels()},
        "spec": _application_spec(settings, as_of),
    }


def scheduled(settings: Settings) -> Manifest:
    """The chain every night, as of the day that has just begun; a run that is still
    under way is not joined by another.
    """
    spec = {
        "schedule": f"{settings.deploy.start_minute} {settings.deploy.start_hour} * * *",
        "timeZone": "UTC",
        "concurrencyPolicy": "Forbid",
        "successfulRunHistoryLimit": 3,
        "failedRunHistoryLimit": 3,
        "template": _application_spec(settings, "today"),
    }
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "ScheduledSparkApplication",
        "metadata": {
            "name": "fuserank-refresh",
            "namespace": settings.deploy.kubernetes.namespace,
            "labels": _labels(),
        },
        "spec": spec,
    }


def volumes() -> list[Manifest]:
    """Scratch for shuffles; Spark takes a volume of this name for spark.local.dir."""
    return [{"name": "spark-local-dir-1", "emptyDir": {"sizeLimit": "100Gi"}}]


def _application_spec(settings: Settings, as_of: str) -> Manifest:
    d = settings.deploy
    confs = confs_of(TARGETS["kubernetes-cluster"], "refresh", settings, None)
    return {
        "type": "Python",
        "pythonVersion": "3",
        "mode": "cluster",
        "sparkVersion": d.spark_version,
        "image": d.kubernetes.train_image,
        "imagePullPolicy": "IfNotPresent",
        "mainApplicationFile": f"local://{IMAGE_HOME}/jobs/refresh.py",
        "arguments": arguments(settings, as_of),
        # every retry replaces the slices of its as_of, and train goes on from its checkpoint where that is kept
        "restartPolicy": {
            "type": "OnFailure",
            "onFailureRetries": d.retries,
            "onFailureRetryInterval": 60 * d.retry_minutes,
            "onSubmissionFailureRetries": d.retries,
            "onSubmissionFailureRetryInterval": 60,
        },
        "timeToLiveSeconds": 7 * _DAY_SECONDS,
        "sparkConf": {k: v for k, v in confs.items() if k not in _FIELDS and not k.startswith(_OPERATOR_SETS)},
        "volumes": volumes(),
        "driver": {
            "cores": int(confs["spark.driver.cores"]),
            "coreLimit": confs["spark.driver.cores"],
            "memory": confs["spark.driver.memory"],
            "memoryOverhead": confs["spark.driver.memoryOverhead"],
            "serviceAccount": d.kubernetes.service_account,
            **_pod(settings),
        },
        "executor": {
            "instances": int(confs["spark.executor.instances"]),
            "deleteOnTermination": True,
            "cores": int(confs["spark.executor.cores"]),
            "coreLimit": confs["spark.executor.cores"],
            "memory": confs["spark.executor.memory"],
            "memoryOverhead": confs["spark.executor.memoryOverhead"],
            **_pod(settings),
        },
    }


def _pod(settings: Settings) -> Manifest:
    env = [{"name": "TZ", "value": "UTC"}, {"name": "FUSERANK_CONF", "value": f"{IMAGE_HOME}/conf"}]
    return {"labels": _labels(), "env": env, **_held(settings)}


def _held(settings: Settings) -> Manifest:
    """How every pod is held: no root, no capabilities, no way to more rights; the store's secrets as environment."""
    return {
        "podSecurityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "runAsGroup": USER,
            "fsGroup": USER,
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "securityContext": {
            "runAsNonRoot": True,
            "runAsUser": USER,
            "allowPrivilegeEscalation": False,
            "privileged": False,
            "capabilities": {"drop": ["ALL"]},
            "seccompProfile": {"type": "RuntimeDefault"},
        },
        "envFrom": [{"secretRef": {"name": settings.deploy.kubernetes.secret, "optional": True}}],
        "volumeMounts": [{"name": "spark-local-dir-1", "mountPath": "/var/spark-local"}],
    }


def _labels() -> dict[str, str]:
    return {"app.kubernetes.io/name": "fuserank"}


class _Plain(yaml.SafeDumper):
    """Every block written out: anchors would tie a reader to the place where a block first stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(*manifests: Manifest) -> str:
    bodies = [yaml.dump(m, Dumper=_Plain, sort_keys=False, width=120) for m in manifests]
    return HEAD + "---\n".join(bodies)
