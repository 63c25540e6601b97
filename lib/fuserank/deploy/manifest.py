"""What all manifests for Kubernetes share: whom pods run as and how they are held, labels, and how they are written."""

from __future__ import annotations

from typing import Any

import yaml

from fuserank.config.settings import Settings

Manifest = dict[str, Any]
HEAD = "# rendered by `fuserank render kubernetes`: change conf/ or the arguments, then render again\n"
USER = 185  # the official Spark image's, and that of deploy/docker/
STORE = "/mnt/store"  # where pods mount the online store, unless store.path says another folder
INBOX = "/mnt/inbox"


def labels(component: str | None = None) -> dict[str, str]:
    """Of an object; ``component``: of one part alone."""
    found = {"app.kubernetes.io/name": "fuserank"}
    return found | ({"app.kubernetes.io/component": component} if component else {})


def pod_security() -> Manifest:
    """Of a pod: no root, and volumes belong to its group."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "runAsGroup": USER,
        "fsGroup": USER,
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def container_security() -> Manifest:
    """Of a container: no root, no capabilities, no way to more rights."""
    return {
        "runAsNonRoot": True,
        "runAsUser": USER,
        "allowPrivilegeEscalation": False,
        "privileged": False,
        "capabilities": {"drop": ["ALL"]},
        "seccompProfile": {"type": "RuntimeDefault"},
    }


def secrets(settings: Settings) -> list[Manifest]:
    """The secret whose keys become environment variables, where there is one."""
    return [{"secretRef": {"name": settings.deploy.kubernetes.secret, "optional": True}}]


def store_folder(settings: Settings) -> str:
    """Where pods mount the online store."""
    return settings.store.path or STORE


def inbox_folder(settings: Settings) -> str:
    """Where pods mount the inbox: the service's, which write it, and the refresh's, which take it in."""
    return settings.serving.inbox or INBOX


def claimed(name: str, claim: str, read_only: bool = False) -> Manifest:
    """A volume by its claim."""
    return {"name": name, "persistentVolumeClaim": {"claimName": claim} | ({"readOnly": True} if read_only else {})}


class _Plain(yaml.SafeDumper):
    """Every block written out: anchors would tie a reader to the place where a block first stands."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def text(*manifests: Manifest) -> str:
    """A file of manifests."""
    bodies = [yaml.dump(m, Dumper=_Plain, sort_keys=False, width=120) for m in manifests]
    return HEAD + "---\n".join(bodies)
