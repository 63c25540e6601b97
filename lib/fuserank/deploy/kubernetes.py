"""Manifests: who may start pods, how every pod is held, the chain as a SparkApplication, once and every night, and the
recommend service.

The kinds are kubeflow's Spark operator's (sparkoperator.k8s.io/v1beta2). The whole chain is one application: it starts
each step as soon as its tables are there.
"""

from __future__ import annotations

from fuserank.config.settings import Settings
from fuserank.deploy import kubernetes_serve as serve
from fuserank.deploy.manifest import (
    Manifest,
    claimed,
    container_security,
    inbox_folder,
    labels,
    pod_security,
    secrets,
    store_folder,
    text,
)
from fuserank.deploy.submit import IMAGE_HOME, TARGETS, arguments, confs_of

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
    """Each manifest's text by file name; access.yaml, claims.yaml and serve.yaml have several."""
    once, nightly = application(settings, str(settings.as_of)), scheduled(settings)
    return {
        "access.yaml": text(*access(settings)),
        "claims.yaml": text(*serve.claims(settings)),
        "pod-template.yaml": text(pod_template(settings)),
        "refresh.yaml": text(once),
        "refresh-nightly.yaml": text(nightly),
        "serve.yaml": text(*serve.service(settings)),
    }


def access(settings: Settings) -> list[Manifest]:
    """The namespace, where only restricted pods may run, and the drivers' account with the rights that Spark uses."""
    k = settings.deploy.kubernetes
    named = {"name": k.service_account, "namespace": k.namespace}
    restricted = {"pod-security.kubernetes.io/enforce": "restricted"}
    made = ["pods", "services", "configmaps", "persistentvolumeclaims"]
    verbs = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
    return [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": k.namespace, "labels": restricted}},
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
        "metadata": {"name": "fuserank", "labels": labels()},
        "spec": {
            "securityContext": held["podSecurityContext"],
            "containers": [container],
            "volumes": volumes(settings),
        },
    }


def application(settings: Settings, as_of: str) -> Manifest:
    """The chain once, as of a day."""
    k = settings.deploy.kubernetes
    return {
        "apiVersion": "sparkoperator.k8s.io/v1beta2",
        "kind": "SparkApplication",
        "metadata": {"name": f"fuserank-refresh-{as_of}", "namespace": k.namespace, "labels": labels()},
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
            "labels": labels(),
        },
        "spec": spec,
    }


def volumes(settings: Settings) -> list[Manifest]:
    """Scratch for shuffles; Spark takes a volume of this name for spark.local.dir. With store.auto the service's."""
    scratch = {"name": "spark-local-dir-1", "emptyDir": {"sizeLimit": "100Gi"}}
    s = settings.deploy.serve
    of_service = [claimed("store", s.store_claim), claimed("inbox", s.inbox_claim)]
    return [scratch, *(of_service if settings.store.auto else [])]


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
        "arguments": [*arguments(settings, as_of), *_store(settings)],
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
        "volumes": volumes(settings),
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
    return {"labels": labels(), "env": env, **_held(settings)}


def _held(settings: Settings) -> Manifest:
    """How every pod is held; the lake's secrets as environment; scratch and, with store.auto, store and inbox."""
    mounts = [{"name": "spark-local-dir-1", "mountPath": "/var/spark-local"}]
    if settings.store.auto:
        mounts.append({"name": "store", "mountPath": store_folder(settings)})
        mounts.append({"name": "inbox", "mountPath": inbox_folder(settings)})
    return {
        "podSecurityContext": pod_security(),
        "securityContext": container_security(),
        "envFrom": secrets(settings),
        "volumeMounts": mounts,
    }


def _store(settings: Settings) -> list[str]:
    """The last step, its folder and the inbox, as arguments: the image's conf/ may have been made without them."""
    if not settings.store.auto:
        return []
    values = ["store.auto=true", f"store.path={store_folder(settings)}", f"serving.inbox={inbox_folder(settings)}"]
    return [word for value in values for word in ("--set", value)]
