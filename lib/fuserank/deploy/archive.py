"""Packed environments: what every node must have, packing, and what is refused
because it leads back into the checkout.
"""

from __future__ import annotations

import os
import re
import subprocess
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from fuserank.common.errors import FuserankError

MINOR = "3.11"  # of the Python that the locks were resolved for
_PYTHONS = ("python", "python3", f"python{MINOR}")
_TELLING = re.compile(r"^bin/[^/]+$|^pyvenv\.cfg$|\.pth$|\.egg-link$|/direct_url\.json$|/__editable__")
_TEXT_BYTES = 1 << 20  # scripts and path files are smaller; compiled programs in bin/ are not read


class PackageError(FuserankError):
    """The package cannot be made so; the message says why and what to do."""


@dataclass(frozen=True)
class NodePython:
    """The interpreter that an archive links to: where it stands on every node, and
    its version where it stands here too.
    """

    path: Path
    version: str | None


def node_python(named: str, checkout: Path) -> NodePython:
    """The interpreter called ``named``, as nodes have it; it need not be on this machine.

    :raises PackageError: the path is relative, leads into the checkout, is a virtual environment's, or another Python's
    """
    path, cure = Path(named), f"give a path that every node has: make package NODE_PYTHON=/usr/bin/python{MINOR}"
    if not path.is_absolute():
        raise PackageError(f"NODE_PYTHON={named} is no absolute path; {cure}")
    if _within(str(path), checkout):
        raise PackageError(f"NODE_PYTHON={named} leads into the checkout, which no node has; {cure}")
    if (path.parent.parent / "pyvenv.cfg").exists():
        raise PackageError(
            f"NODE_PYTHON={named} is in a virtual environment itself, which carries no interpreter; {cure}"
        )
    if not path.exists():
        return NodePython(path, None)
    answer = subprocess.run(
        [named, "-c", "import platform; print(platform.python_version())"], capture_output=True, text=True, check=False
    )
    version = answer.stdout.strip()
    if answer.returncode or not version.startswith(f"{MINOR}."):
        raise PackageError(
            f"NODE_PYTHON={named} is Python {version or 'of no known version'}, and {MINOR} is needed; {cure}"
        )
    return NodePython(path, version)


def relink(environment: Path, python: NodePython) -> None:
    """Have a virtual environment use the interpreter of the nodes: its links and the home in pyvenv.cfg."""
    for name in _PYTHONS:
        (environment / "bin" / name).unlink(missing_ok=True)
        (environment / "bin" / name).symlink_to(python.path if name == _PYTHONS[0] else _PYTHONS[0])
    lines = (
        f"home = {python.path.parent}",
        "include-system-site-packages = false",
        f"version = {python.version or MINOR}",
    )
    (environment / "pyvenv.cfg").write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")


def pack(environment: Path, to: Path, level: int) -> None:
    """Pack a relinked environment by venv-pack2; ``level``: of gzip, 1 (fast) to 9.

    Scripts find their Python beside them.
    """
    from venv_pack import VenvPackException
    from venv_pack import pack as packed

    try:
        packed(str(environment), str(to), format="tar.gz", compress_level=level, force=True)
    except VenvPackException as problem:
        raise PackageError(f"{to.name}: {' '.join(str(problem).split())}") from None
    to.chmod(0o644)  # it was a temporary file, of its maker alone


def refuse_leads(archive: Path, checkout: Path) -> None:
    """Raises PackageError with the first thing in the archive that leads out of it,
    but for bin/python's link to a node's.
    """
    cure = f"make package NODE_PYTHON=/usr/bin/python{MINOR} makes one that stands alone"
    try:
        with tarfile.open(archive) as tar:
            found = next(leads(tar, checkout), None)
    except (OSError, EOFError, tarfile.TarError) as problem:
        raise PackageError(f"{archive} cannot be read: {problem}; {cure}") from problem
    if found is not None:
        raise PackageError(f"{archive}: {found}; {cure}")


def leads(tar: tarfile.TarFile, checkout: Path) -> Iterator[str]:
    """What leads into the checkout, or to nothing that a node has: links, and paths in files that Python follows."""
    interpreter = False
    for member in tar:
        name = str(PurePosixPath(member.name))
        mine = name in {f"bin/{python}" for python in _PYTHONS}
        interpreter |= mine and member.issym()
        if member.issym() or member.islnk():
            yield from _of_link(member, name, mine, checkout)
        elif mine:
            yield f"{name} is a copy of an interpreter without its library, not a link to one"
        elif member.isfile() and member.size <= _TEXT_BYTES and _TELLING.search(name):
            yield from _of_text(tar, member, name, checkout)
    if not interpreter:
        yield "it has no bin/python"


def _of_link(member: tarfile.TarInfo, name: str, mine: bool, checkout: Path) -> Iterator[str]:
    target = member.linkname
    if _within(target, checkout):
        yield f"{name} leads to {target}, in the checkout, which no node has"
    elif target.startswith("/"):
        if not mine:
            yield f"{name} leads out of the archive, to {target}"
    else:
        base = PurePosixPath(name).parent if member.issym() else PurePosixPath()
        if os.path.normpath(base / target).startswith(".."):
            yield f"{name} leads out of the archive, to {target}"


def _of_text(tar: tarfile.TarFile, member: tarfile.TarInfo, name: str, checkout: Path) -> Iterator[str]:
    stream = tar.extractfile(member)
    content = stream.read() if stream is not None else b""
    if any(re.search(re.escape(place.encode()) + rb"(?![\w.-])", content) for place in _spellings(checkout)):
        yield f"{name} names a path in the checkout, which no node has"
    elif name.endswith("direct_url.json") and b'"file:' in content:
        yield f"{name} says that its package came from a folder, which no node has"


def _within(path: str, checkout: Path) -> bool:
    """Whether an absolute path, as written or with its links followed, is in the checkout."""
    if not path.startswith("/"):
        return False
    return any(
        Path(p).is_relative_to(place)
        for p in (os.path.normpath(path), os.path.realpath(path))
        for place in _spellings(checkout)
    )


def _spellings(checkout: Path) -> set[str]:
    return {str(checkout.absolute()), str(checkout.resolve())}
