"""The line for cluster mode on Kubernetes, run by spark-submit itself against an API server that only writes down.

Spark reads the pod template, makes the driver's pod and sends it; what it sends is judged here.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest

from fuserank.deploy.submit import command, job_lines
from tests.support.golden import ROOT, example

Manifest = dict[str, Any]


class _Api(BaseHTTPRequestHandler):
    """Answers every object that is made as an API server would: with the object and a uid."""

    made: list[Manifest]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.made.append(body)
        self._answer(201, body | {"metadata": body["metadata"] | {"uid": "1", "resourceVersion": "1"}})

    def do_GET(self) -> None:
        self._answer(
            404, {"kind": "Status", "apiVersion": "v1", "status": "Failure", "reason": "NotFound", "code": 404}
        )

    do_PATCH = do_PUT = do_POST

    def _answer(self, code: int, body: Manifest) -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, format: str, *args: object) -> None:
        """Nothing: what was made is what counts."""


@pytest.fixture(scope="module")
def sent() -> list[Manifest]:
    """All that Spark makes for the job `train`; it does not wait for the pod, which never starts."""
    made: list[Manifest] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Api", (_Api,), {"made": made}))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    settings = example(f"deploy.kubernetes.master=k8s://http://127.0.0.1:{server.server_port}")
    lines = job_lines("kubernetes-cluster", "train", settings)
    lines.insert(1, "--conf spark.kubernetes.submission.waitAppCompletion=false")
    env = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "SPARK_CONF_DIR": "/nonexistent",
    }
    done = subprocess.run(
        ["bash", "-c", command(lines)], cwd=ROOT, env=env, capture_output=True, text=True, check=False, timeout=120
    )
    server.shutdown()
    assert done.returncode == 0, done.stderr[-3000:]
    return made


def driver(sent: list[Manifest]) -> Manifest:
    (pod,) = [m for m in sent if m["kind"] == "Pod"]
    return pod


def test_kubernetes_takes_the_drivers_pod(sent: list[Manifest]) -> None:
    kubernetes_validate.validate(driver(sent), "1.33", strict=True)


def test_the_driver_is_held_as_the_template_says(sent: list[Manifest]) -> None:
    spec = driver(sent)["spec"]
    held = spec["containers"][0]["securityContext"]
    assert (held["runAsNonRoot"], held["runAsUser"], held["allowPrivilegeEscalation"]) == (True, 185, False)
    assert held["capabilities"] == {"drop": ["ALL"]}
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["serviceAccountName"] == "fuserank-driver"


def test_the_driver_has_image_sizes_secrets_and_its_job(sent: list[Manifest]) -> None:
    container = driver(sent)["spec"]["containers"][0]
    assert container["image"] == "fuserank-train:0.2.0"
    assert container["resources"]["requests"] == {"cpu": "4", "memory": f"{(4 + 8) * 1024}Mi"}
    assert container["envFrom"] == [{"secretRef": {"name": "fuserank-store", "optional": True}}]
    env = {e["name"]: e.get("value") for e in container["env"]}
    assert (env["TZ"], env["FUSERANK_CONF"], env["SPARK_LOCAL_DIRS"]) == (
        "UTC",
        "/opt/fuserank/conf",
        "/var/spark-local",
    )
    args = container["args"]
    assert args[args.index("local:///opt/fuserank/jobs/train.py") :][:3] == [
        "local:///opt/fuserank/jobs/train.py",
        "--env",
        "cluster",
    ]


def test_the_driver_gets_every_setting_that_must_stand_before_the_jvm_starts(sent: list[Manifest]) -> None:
    (properties,) = [
        m["data"]["spark.properties"] for m in sent if m["kind"] == "ConfigMap" and "spark.properties" in m["data"]
    ]
    for key, value in example().submit.items():
        assert f"{key}={value}" in properties
