"""Settings of what is rendered for clusters and schedulers: where things lie, sizes, schedule.

No result depends on them.
"""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section

_SIZE = r"^[1-9]\d*[mg]$"  # as Spark writes memory


class KubernetesConfig(Section):
    """Where a Spark application finds its place in a Kubernetes cluster."""

    master: str = Field("k8s://https://kubernetes.default.svc", description="the API server, for spark-submit")
    namespace: str = Field("fuserank", pattern=r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$", description="of all objects")
    service_account: str = Field("fuserank-driver", description="whom drivers run as: may make pods in the namespace")
    data_image: str = Field("fuserank-data:0.2.0", description="without torch: for all jobs but train and scores")
    train_image: str = Field("fuserank-train:0.2.0", description="with torch: for train, scores and refresh")
    secret: str = Field(
        "fuserank-store", description="secret whose keys become environment variables of driver and executors"
    )


class ServeConfig(Section):
    """The recommend service on Kubernetes: its image, how many pods of which size, and what they mount."""

    image: str = Field("fuserank-serve:0.2.0", description="without JVM, Spark and torch: for `fuserank serve` alone")
    replicas: int = Field(2, ge=1, description="pods that answer; two, so that one may go with its node")
    workers: int = Field(1, ge=1, le=256, description="processes of a pod that answer")
    cpu: float = Field(1, gt=0, description="cores that a pod is sure of; it may take more where a node has them")
    memory: str = Field(
        "1g", pattern=_SIZE, description="of a pod, at most: processes, and what they read of the store"
    )
    keys_secret: str = Field("fuserank-keys", description="secret whose entry keys.yaml is the file of API keys")
    secret: str | None = Field(
        None,
        description="secret of its own whose keys become its environment (FUSERANK_REDIS_PASSWORD); null: none",
    )
    store_claim: str = Field("fuserank-online-store", description="volume claim of the online store, at store.path")
    store_size: str = Field("20g", pattern=_SIZE, description="of that volume: store.keep snapshots and one more")
    inbox_claim: str = Field("fuserank-inbox", description="volume claim of the inbox, which pods write into")
    inbox_size: str = Field("20g", pattern=_SIZE, description="of that volume")
    storage_class: str | None = Field(
        None, description="of both claims: one that several nodes may mount at once; null: the cluster's own"
    )


class DatabricksConfig(Section):
    """The clusters that jobs start in a workspace, and where their files lie."""

    data_runtime: str = Field("17.3.x-scala2.13", description="of the data and ranking clusters")
    train_runtime: str = Field("17.3.x-cpu-ml-scala2.13", description="of the training cluster; brings torch")
    node_type: str = Field("i3.2xlarge", description="of all workers; names differ between clouds")
    workers: int = Field(4, ge=1, description="of the data and ranking clusters; the training cluster has one node")
    secret_scope: str = Field("fuserank", description="the scope that holds the store's secrets")
    secret_env: dict[str, str] = Field(
        {"FUSERANK_STORE_SECRET": "store-secret"},
        description="environment variables of the clusters, and the keys of the scope that fill them",
    )


class DeployConfig(Section):
    """What ``fuserank render`` writes into submit commands, manifests, the DAG and the bundle."""

    dist: str = Field("dist", description="folder or URL of what `make package` made: archives, jars, conf, jobs")
    jars: tuple[str, ...] = Field(
        ("delta-spark_2.13-4.0.1.jar", "delta-storage-4.0.1.jar"), description="Delta's, by name in <dist>/jars"
    )
    python: str = Field(
        ".venv/bin/python", description="of the driver in client mode: has fuserank, stands on the submitting machine"
    )
    start_hour: int = Field(3, ge=0, le=23, description="hour (UTC) at which the nightly run starts")
    start_minute: int = Field(30, ge=0, le=59, description="minute of that hour")
    retries: int = Field(2, ge=0, description="times that a scheduler runs a failed task again")
    retry_minutes: int = Field(10, ge=1, description="minutes before it does")
    airflow_target: str = Field(
        "yarn-cluster", description="which submit commands the DAG runs; see `fuserank render submit`"
    )
    timeout_hours: int = Field(6, ge=1, description="hours after which a nightly run counts as failed")
    spark_version: str = Field("4.0.5", description="of the images; the one that requirements/run.txt locks")
    executors: int = Field(
        4, ge=1, description="on YARN and Kubernetes; a standalone cluster gives what its workers have"
    )
    executor_cores: int = Field(4, ge=1, description="tasks that an executor runs side by side")
    executor_memory: str = Field("8g", pattern=_SIZE, description="heap of an executor")
    executor_overhead: str = Field(
        "6g", pattern=_SIZE, description="beside the heap: Python workers with their kernels"
    )
    driver_cores: int = Field(4, ge=1, description="of a driver on the cluster; the training ranks share them")
    driver_overhead: str = Field(
        "8g", pattern=_SIZE, description="beside the driver's heap: Python and the training ranks"
    )
    kubernetes: KubernetesConfig = KubernetesConfig()
    serve: ServeConfig = ServeConfig()
    databricks: DatabricksConfig = DatabricksConfig()
