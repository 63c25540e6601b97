"""What rides in the wheel as fuserank/defaults/: settings, the jobs' shims, notebooks,
locks of jars, constraints. Run by hatchling.

In an editable install nothing is copied: a checkout's own files are found where
they are (lib/fuserank/config/places.py).
"""

from __future__ import annotations

import re
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

INSIDE = "fuserank/defaults"
PARTS = ("conf/**/*.yaml", "jobs/*.py", "notebooks/*.py", "requirements/*jars.lock")
CONSTRAINTS = {"constraints.txt": "run.txt", "constraints-modern.txt": "modern.txt"}  # name → the lock that it says


class Defaults(BuildHookInterface):  # type: ignore[misc]
    """Adds the files to a wheel of its own."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Name each file and its place in the wheel."""
        if version != "standard":
            return
        root = Path(self.root)
        files = {file: file.relative_to(root).as_posix() for part in PARTS for file in sorted(root.glob(part))}
        self.made = tempfile.TemporaryDirectory()
        for name, lock in CONSTRAINTS.items():
            file = Path(self.made.name) / name
            file.write_text(constraints((root / "requirements" / lock).read_text(encoding="utf-8")), encoding="utf-8")
            files[file] = f"requirements/{name}"
        build_data["force_include"].update({str(file): f"{INSIDE}/{place}" for file, place in files.items()})

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Drop what was made for the wheel alone."""
        if version == "standard":
            self.made.cleanup()


def constraints(lock: str) -> str:
    """Names and versions of a lock, for `pip install --constraint`: pip knows no hashes there."""
    return "".join(f"{line}\n" for line in re.findall(r"^[A-Za-z0-9._-]+==[^\s\\]+", lock, re.MULTILINE))
