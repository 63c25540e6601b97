"""`fuserank render`: prints, writes, compares, and says what is wrong."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuserank.cli.render import SURFACES
from fuserank.common.errors import FuserankError
from tests.support.cli import ran

EXAMPLE = ["--lake", "s3a://shop/lake"]


def run(*words: str) -> str:
    return ran("render", *words).output


@pytest.mark.parametrize("surface", SURFACES)
def test_what_was_written_passes_the_check_and_a_change_does_not(surface: str, tmp_path: Path) -> None:
    run(surface, *EXAMPLE, "--to", str(tmp_path))
    assert run(surface, *EXAMPLE, "--check", str(tmp_path)) == ""
    broken = sorted(p for p in tmp_path.rglob("*") if p.is_file())[0]
    broken.write_text(broken.read_text().replace("fuserank", "fuserunk"))
    with pytest.raises(FuserankError, match=f"{broken.name} out of date"):
        run(surface, *EXAMPLE, "--check", str(tmp_path))


def test_one_file_is_printed_as_it_would_be_written(tmp_path: Path) -> None:
    run("submit", *EXAMPLE, "--to", str(tmp_path))
    assert run("submit", "yarn-cluster.sh", *EXAMPLE) == (tmp_path / "yarn-cluster.sh").read_text()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fax"], "nothing called 'fax' to render; there are: submit"),
        (["submit", "moon.sh", *EXAMPLE], "submit has no file 'moon.sh'; it has standalone-client.sh"),
        (["submit"], "lake 'lake' is a folder beside this shell"),
        (["submit", "--set", "deploy.start_hour=25"], "less than or equal to 23"),
        (["submit", *EXAMPLE, "--check", "nowhere"], "nowhere: standalone-client.sh"),
    ],
)
def test_what_is_wrong_is_said(words: list[str], message: str) -> None:
    with pytest.raises((FuserankError, ValueError)) as refused:
        run(*words)
    assert message in str(refused.value)
