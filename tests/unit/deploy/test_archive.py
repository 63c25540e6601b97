"""Packed environments: they run where they are unpacked, and whatever leads back
into the checkout is refused in one line.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import venv
from collections.abc import Callable
from pathlib import Path

import pytest

from fuserank.deploy.archive import NodePython, PackageError, node_python, pack, refuse_leads, relink

NODE = os.path.realpath(sys._base_executable)  # type: ignore[attr-defined]
SITE = "lib/python3.11/site-packages"


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout with a Python of its own."""
    (tmp_path / "checkout" / ".venv" / "bin").mkdir(parents=True)
    (tmp_path / "checkout" / ".venv" / "bin" / "python3.11").symlink_to(NODE)
    return tmp_path / "checkout"


@pytest.fixture
def environment(checkout: Path) -> Path:
    """A virtual environment in the checkout, with a module and a script; relinked to the nodes' Python."""
    made = checkout / "build" / "environment"
    venv.create(made, symlinks=True)
    (made / SITE / "tiny.py").write_text("said = 'tiny'\n")
    script = made / "bin" / "tiny"
    script.write_text(f"#!{made}/bin/python\nimport tiny\nprint(tiny.said)\n")
    script.chmod(0o755)
    relink(made, NodePython(Path(NODE), "3.11"))
    return made


def packed(environment: Path) -> Path:
    archive = environment.parent / "tiny.tar.gz"
    pack(environment, archive, 1)
    return archive


def test_an_archive_runs_where_it_is_unpacked_without_the_environment_that_it_was_made_of(
    environment: Path, checkout: Path, tmp_path: Path
) -> None:
    archive = packed(environment)
    refuse_leads(archive, checkout)
    with tarfile.open(archive) as tar:
        tar.extractall(tmp_path / "node", filter="fully_trusted")
    shutil.rmtree(environment)
    for command in (["bin/tiny"], ["bin/python", "-c", "import tiny, sys; print(tiny.said)"]):
        done = subprocess.run(command, cwd=tmp_path / "node", capture_output=True, text=True, check=False)
        assert (done.stdout, done.stderr) == ("tiny\n", "")
    assert (tmp_path / "node" / "bin" / "python").readlink() == Path(NODE)
    assert archive.stat().st_mode & 0o044  # for whoever runs executors


def link_to(target: str, name: str = "bin/python") -> Callable[[Path, Path], None]:
    def change(environment: Path, checkout: Path) -> None:
        (environment / name).unlink(missing_ok=True)
        (environment / name).symlink_to(target.format(checkout=checkout))

    return change


def text(name: str, content: str) -> Callable[[Path, Path], None]:
    def change(environment: Path, checkout: Path) -> None:
        (environment / name).parent.mkdir(parents=True, exist_ok=True)
        (environment / name).write_text(content.format(checkout=checkout))

    return change


def link_by_a_link(environment: Path, checkout: Path) -> None:
    outside = checkout.parent / "outside"
    outside.symlink_to(checkout / ".venv" / "bin" / "python3.11")
    # its own link would be followed further; what stands in the checkout is what no node has
    (checkout / ".venv" / "bin" / "python3.11").unlink()
    shutil.copy(NODE, checkout / ".venv" / "bin" / "python3.11")
    link_to(str(outside))(environment, checkout)


def copied(environment: Path, checkout: Path) -> None:
    (environment / "bin" / "python").unlink()
    shutil.copy(NODE, environment / "bin" / "python")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            link_to("{checkout}/.venv/bin/python3.11"),
            "bin/python leads to {checkout}/.venv/bin/python3.11, in the checkout",
        ),
        (link_by_a_link, "bin/python leads to"),
        (link_to("{checkout}/lib", f"{SITE}/fuserank"), f"{SITE}/fuserank leads to {{checkout}}/lib, in the checkout"),
        (link_to("/opt/data", f"{SITE}/data"), f"{SITE}/data leads out of the archive, to /opt/data"),
        (link_to("../../../../data", f"{SITE}/data"), f"{SITE}/data leads out of the archive, to ../../../../data"),
        (copied, "bin/python is a copy of an interpreter"),
        (text("pyvenv.cfg", "home = {checkout}/.venv/bin\n"), "pyvenv.cfg names a path in the checkout"),
        (text("bin/tool", "#!/bin/sh\nexec {checkout}/.venv/bin/python\n"), "bin/tool names a path in the checkout"),
        (
            text(f"{SITE}/fuserank.dist-info/direct_url.json", '{{"url": "file://{checkout}"}}'),
            "direct_url.json names a path",
        ),
        (text(f"{SITE}/other.dist-info/direct_url.json", '{{"url": "file:///home/me/other"}}'), "came from a folder"),
        (text(f"{SITE}/__editable___x_finder.py", "MAPPING = {{'x': '{checkout}/x'}}"), "names a path in the checkout"),
        (text(f"{SITE}/fuserank.pth", "{checkout}/lib\n"), "Cannot pack an environment with editable packages"),
        (
            text(f"{SITE}/fuserank.pth", "import sys; sys.path.append('{checkout}/lib')\n"),
            "fuserank.pth names a path in the checkout",
        ),
    ],
)
def test_what_leads_out_of_an_archive_is_refused_by_name(
    environment: Path, checkout: Path, change: Callable[[Path, Path], None], words: str
) -> None:
    change(environment, checkout)
    with pytest.raises(PackageError) as refused:
        refuse_leads(packed(environment), checkout)
    assert words.format(checkout=checkout) in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_neighbour_of_the_checkout_with_a_longer_name_is_not_the_checkout(environment: Path, checkout: Path) -> None:
    text("bin/tool", "#!/bin/sh\nexec {checkout}-2/bin/python\n")(environment, checkout)
    refuse_leads(packed(environment), checkout)


def test_an_archive_that_was_cut_off_or_has_no_python_is_refused(environment: Path, checkout: Path) -> None:
    whole = packed(environment)
    cut = whole.with_name("cut.tar.gz")
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(PackageError, match=r"cut\.tar\.gz cannot be read"):
        refuse_leads(cut, checkout)
    empty = whole.with_name("empty.tar.gz")
    tarfile.open(empty, "w:gz").close()
    with pytest.raises(PackageError, match=r"it has no bin/python; make package"):
        refuse_leads(empty, checkout)


def test_the_nodes_python_need_not_be_on_this_machine(checkout: Path) -> None:
    assert node_python("/usr/no/such/python3.11", checkout) == NodePython(Path("/usr/no/such/python3.11"), None)
    assert (node_python(NODE, checkout).version or "").startswith("3.11.")


@pytest.mark.parametrize(
    ("named", "words"),
    [
        ("python3.11", "is no absolute path"),
        ("{checkout}/.venv/bin/python3.11", "leads into the checkout, which no node has"),
        (sys.executable, "is in a virtual environment itself"),
        ("/bin/sh", "is Python of no known version, and 3.11 is needed"),
    ],
)
def test_a_python_that_no_node_can_have_is_refused(checkout: Path, named: str, words: str) -> None:
    with pytest.raises(PackageError) as refused:
        node_python(named.format(checkout=checkout), checkout)
    assert words in str(refused.value)
    assert "NODE_PYTHON=/usr/bin/python3.11" in str(refused.value)
