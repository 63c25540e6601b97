"""Pseudonyms and the lake: one key for all of it, columns that stay replaced, the vault, a user as people name one."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fuserank.common.errors import FuserankError
from fuserank.config.mapping.dataset import DatasetConfig
from fuserank.config.mapping.load import load_dataset
from fuserank.config.mapping.pseudonym_columns import replaced_columns, user_columns
from fuserank.io.lake.lake import Lake
from fuserank.io.lake.lock import exclusive
from fuserank.io.lake.places import is_local, local_path
from fuserank.privacy.environment import key_of
from fuserank.privacy.keys import Key, KeyProblem, is_pseudonym
from fuserank.privacy.rows import vault_rows, without_ids
from fuserank.registry.connectors import CONNECTORS
from fuserank.sources.connectors.landing import require_same_key
from fuserank.tables.ops import INGESTED, PSEUDONYMS
from fuserank.tables.spark import schema
from fuserank.tables.vault import USERS

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from fuserank.config.settings import Settings
    from fuserank.io.runtime.run import Run

OTHER_LAKE = "take another lake"


def require_key(settings: Settings) -> None:
    """Raise KeyProblem before Spark starts where the data set's key is missing."""
    key_of(load_dataset(settings.dataset))


class Hiding:
    """How a data set's rows lose their ids on the way into bronze."""

    def __init__(self, dataset: DatasetConfig, key: Key) -> None:
        self.dataset, self.key = dataset, key
        self.replaced, self.users = replaced_columns(dataset), user_columns(dataset)

    @classmethod
    def of(cls, dataset: DatasetConfig) -> Hiding | None:
        """None where the mapping has no pseudonyms; raises KeyProblem where the key is missing."""
        key = key_of(dataset)
        return None if key is None else cls(dataset, key)

    def rows(self, table: str, rows: DataFrame) -> DataFrame:
        """Bronze rows of a table as they may be written and shown."""
        return without_ids(rows, self.dataset.files[table], self.replaced.get(table, ()), self.key)

    def keep(self, run: Run, table: str, rows: DataFrame) -> None:
        """The users of raw rows into the vault. Before bronze: a file that is in bronze is not read again."""
        assert self.dataset.pseudonyms is not None
        if table in self.users and self.dataset.pseudonyms.vault:
            vault = vault_of(run.lake, run.settings)
            run.count(
                "vault_users",
                vault.merge(USERS, vault_rows(rows, self.dataset.files[table], self.users[table], self.key)),
            )


@contextmanager
def vault_held(run: Run, hiding: Hiding | None, tables: Collection[str]) -> Iterator[None]:
    """A vault outside the lake has a lock of its own: other lakes may share it."""
    root = None if hiding is None else _own_root(run.settings)
    if hiding is None or root is None or not hiding.users.keys() & set(tables):
        yield
        return
    started, wait = run.now.isoformat(timespec="seconds"), run.settings.run.lock_wait_seconds
    with exclusive(root, f"bronze run {run.run_id}", started, wait, run.say):
        yield


def vault_of(lake: Lake, settings: Settings) -> Lake:
    """The lake that vault.users lies in: the same one, unless ``vault`` names another root."""
    root = _own_root(settings)
    return lake if root is None else Lake(lake.spark, root, lake.run_id)


def _own_root(settings: Settings) -> str | None:
    return settings.vault if settings.vault and settings.vault != settings.lake else None


def require_same(run: Run, dataset: DatasetConfig, key: Key | None, root: str) -> None:
    """A lake holds pseudonyms of one key, or raw ids, from its first row on; what is replaced stays so.

    :raises KeyProblem: another key, on or off after the first rows, other columns; names the cure
    """
    taken = _taken(run.lake) if key else set()  # before what is kept: that is written first
    recorded = _recorded(run.lake)
    _require_same_landing(dataset, key, root)
    if key is None:
        if recorded:
            raise KeyProblem(
                f"lake {run.lake.root} holds pseudonyms, and the mapping of {dataset.name} has none: one user would be "
                f"two; write pseudonyms: {{}} into the mapping, or {OTHER_LAKE}"
            )
        return
    if recorded and {row["key_check"] for row in recorded} != {key.fingerprint}:
        raise KeyProblem(
            f"lake {run.lake.root} holds pseudonyms of another key: all users would be new; export the key of its "
            f"first run, or {OTHER_LAKE}"
        )
    if taken and not recorded:
        raise KeyProblem(f"lake {run.lake.root} holds ids as they came: pseudonyms cannot begin later; {OTHER_LAKE}")
    want, have = replaced_columns(dataset), _columns(recorded, dataset.name)
    for table in (t for name, t in sorted(taken) if name == dataset.name and t in dataset.files):
        if changed := want.get(table, frozenset()) ^ have.get(table, frozenset()):
            raise KeyProblem(
                f"table {table} is in lake {run.lake.root} with other columns replaced ({', '.join(sorted(changed))}); "
                f"name the same columns as before, or {OTHER_LAKE}"
            )
    new = [
        (dataset.name, table, column, key.fingerprint, run.run_id)
        for table, columns in want.items()
        for column in sorted(columns - have.get(table, frozenset()))
    ]
    if new:
        run.lake.merge(PSEUDONYMS, run.spark.createDataFrame(new, schema(PSEUDONYMS)).coalesce(1))


def _require_same_landing(dataset: DatasetConfig, key: Key | None, root: str) -> None:
    """What ``fetch`` landed came with ids, or with pseudonyms of the same key, as bronze takes it."""
    for table, source in dataset.connect.items() if is_local(root) else ():
        fingerprint = key.fingerprint if key is not None and CONNECTORS[source.kind].hides else None
        require_same_key(Path(local_path(root)) / table, fingerprint)


def _taken(lake: Lake) -> set[tuple[str, str]]:
    """Data sets and tables that bronze has rows of."""
    if not lake.exists(INGESTED):
        return set()
    rows = lake.read(INGESTED).where("stage = 'bronze'").select("dataset", "source_table").distinct().collect()
    return {(r["dataset"], r["source_table"]) for r in rows}


def _recorded(lake: Lake) -> list[dict[str, Any]]:
    return [r.asDict() for r in lake.read(PSEUDONYMS).collect()] if lake.exists(PSEUDONYMS) else []


def _columns(recorded: list[dict[str, Any]], dataset: str) -> dict[str, frozenset[str]]:
    tables = {r["source_table"] for r in recorded if r["dataset"] == dataset}
    return {
        t: frozenset(r["column"] for r in recorded if (r["dataset"], r["source_table"]) == (dataset, t)) for t in tables
    }


def business_ids(lake: Lake, settings: Settings, pseudonyms: Collection[str]) -> dict[str, str]:
    """Pseudonym → business id, out of the vault.

    :raises FuserankError: there is no vault, or it lacks one of them
    """
    from pyspark.sql import functions as F

    strange = [p for p in pseudonyms if not is_pseudonym(p)]
    if strange:
        raise FuserankError(
            f"{len(strange)} of {len(pseudonyms)} are no pseudonyms, which look like p1_0123…; see docs/privacy.md"
        )
    vault = vault_of(lake, settings)
    if not vault.exists(USERS):
        raise FuserankError(
            f"there is no vault at {vault.root}; --set vault=… names its root, and pseudonyms.vault: false makes none"
        )
    rows = vault.read(USERS).where(F.col("pseudonym").isin(sorted(pseudonyms))).collect()
    found = {r["pseudonym"]: r["business_id"] for r in rows}
    if lacking := sorted(set(pseudonyms) - found.keys()):
        raise FuserankError(f"the vault at {vault.root} lacks {', '.join(lacking)}")
    return found
