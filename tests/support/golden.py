"""Committed renderings: a test compares with them; `make golden` (GOLDEN=rewrite) writes them again."""

from __future__ import annotations

import os
from functools import cache
from pathlib import Path

from fuserank.config.settings import Settings, load

ROOT = Path(__file__).resolve().parents[2]
# What the committed examples are rendered by; EXAMPLE and SERVED in the Makefile say the same.
EXAMPLE = ("lake=s3a://shop/lake", "deploy.dist=hdfs:///apps/fuserank")
SERVED = ("store.auto=true", "store.path=/mnt/store")  # of Kubernetes, where the service runs, too


@cache
def example(*overrides: str, env: str = "cluster") -> Settings:
    """The settings of the examples, read once: they are frozen."""
    return load(env, [*EXAMPLE, *overrides])


def assert_golden(folder: Path, rendered: dict[str, str]) -> None:
    """Every rendered file is in the folder, byte for byte."""
    for name, text in rendered.items():
        if os.environ.get("GOLDEN") == "rewrite":
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(text, encoding="utf-8")
        assert (folder / name).is_file(), f"{folder / name} is not there; run `make golden`"
        assert (folder / name).read_text(encoding="utf-8") == text, f"{name} is out of date; run `make golden`"
