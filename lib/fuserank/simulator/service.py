"""The real service with its collector, as a process of one run, with keys, mapping and inbox of its own."""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import yaml

from fuserank.common.errors import FuserankError
from fuserank.common.signals import answered
from fuserank.config.mapping.load import parse_dataset
from fuserank.config.mapping.pages import with_pages
from fuserank.config.places import conf_dir, mapping_file, no_mapping, read_yaml
from fuserank.jobs.parts.store_place import store_folder
from fuserank.serving.keys import made
from fuserank.serving.store.contract import StoreError
from fuserank.serving.store.lmdb_store import LmdbStore

if TYPE_CHECKING:
    from fuserank.config.mapping.dataset import DatasetConfig
    from fuserank.config.settings import Settings

_START = "import sys; from fuserank.cli.main import run; sys.argv[0] = 'fuserank'; run()"
_STOP_SECONDS = 30
_PR_SET_PDEATHSIG = 1


@dataclass(frozen=True)
class Service:
    """A service that runs.

    :ivar key: of the shop's server: it asks for lists and writes events; ``public``: of its pages
    :ivar dataset: the mapping that the collector takes events by
    """

    url: str
    key: str
    public: str
    dataset: DatasetConfig
    process: subprocess.Popen[str]
    log: Path

    def complaint(self) -> str:
        """The last thing that it said."""
        lines = self.log.read_text(encoding="utf-8").strip().splitlines()
        return lines[-1] if lines else "it said nothing"


def store_of(settings: Settings) -> LmdbStore:
    """The store of the lake.

    :raises FuserankError: there is none; names the command that makes one
    """
    folder = store_folder(settings)
    try:
        return LmdbStore(folder, settings.ranking.surface)
    except StoreError as problem:
        cure = f"fuserank publish-store --lake {settings.lake}"
        raise FuserankError(f"{str(problem).partition(';')[0]}; make it: {cure}") from None


@contextmanager
def running(
    settings: Settings, folder: Path, origins: Sequence[str] = (), overrides: Sequence[str] = ()
) -> Iterator[Service]:
    """Start it, and end it when the block is left; it ends by itself where this process is killed.

    :param folder: of the run: keys, settings, inbox and log go there; the lake is read alone
    :param origins: of the pages that may send events
    :param overrides: settings of this run, as ``section.key=value``
    :raises FuserankError: there is no store, or the service does not start
    """
    store_of(settings).close()
    dataset = _mapping(settings, folder / "conf")
    keys = folder / "keys.yaml"
    key, _ = made(keys, "server", ["recommend", "events:write"], None)
    public, _ = made(keys, "pages", ["events:write"], None, list(origins) or ["http://127.0.0.1"])
    words = ["serve", "--lake", settings.lake, "--dataset", dataset.name, "--collect", "--port", "0"]
    words += ["--keys", str(keys), "--inbox", str(folder / "inbox"), "--log-level", "warning"]
    words += ["--store", str(store_folder(settings)), "--surface", settings.ranking.surface]
    words += [word for one in overrides for word in ("--set", one)]
    log = folder / "service.log"
    environment = {**os.environ, "FUSERANK_CONF": str(folder / "conf"), "PYTHONUNBUFFERED": "1"}
    with log.open("w", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-c", _START, *words],
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            env=environment,
            start_new_session=True,  # Ctrl-C in a terminal is for the shop, which ends the service then
            preexec_fn=_end_with_parent if sys.platform == "linux" else None,
        )
    try:
        yield Service(_address(process, log), key, public, dataset, process, log)
    finally:
        _ended(process)


def _mapping(settings: Settings, conf: Path) -> DatasetConfig:
    """The data set's mapping with the table of pages, written where the service reads it."""
    name = settings.dataset
    file = mapping_file(name)
    if file is None:
        raise no_mapping(name)
    shutil.copytree(conf_dir(), conf)
    raw = with_pages(read_yaml(file))
    (conf / "datasets").mkdir(exist_ok=True)
    (conf / "datasets" / f"{name}.yaml").write_text(yaml.safe_dump(raw, sort_keys=False), encoding="utf-8")
    return parse_dataset(raw, file.name)


def _address(process: subprocess.Popen[str], log: Path) -> str:
    assert process.stdout is not None
    line = process.stdout.readline()
    if "http://" not in line:
        process.wait(_STOP_SECONDS)
        raise FuserankError(f"the service does not start: {log.read_text(encoding='utf-8').strip() or line}")
    return "http://" + line.split("http://")[1].split()[0]


def _end_with_parent() -> None:
    """Ask the kernel for a SIGTERM when the parent dies, however it does."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _ended(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


@contextmanager
def sigterm_as_exit() -> Iterator[None]:
    """Within it SIGTERM leaves the blocks in order, as Ctrl-C does; in the main thread alone."""

    def leave(number: int, frame: object) -> None:
        raise SystemExit(128 + number)

    with answered(leave, signal.SIGTERM):
        yield
