"""Every submit command of every job, as committed in tests/golden/submit/."""

from __future__ import annotations

import shlex
from pathlib import Path

import pytest

from fuserank.deploy import submit
from fuserank.deploy.graph import environment_of, job_names
from tests.support.golden import assert_golden, example

FOLDER = Path(__file__).parent / "submit"


def test_submit_commands_are_the_committed_ones() -> None:
    assert_golden(FOLDER, submit.files(example()))


def test_no_committed_command_is_of_a_target_that_is_gone() -> None:
    assert {p.name for p in FOLDER.iterdir()} == {f"{name}.sh" for name in submit.TARGETS}


def test_a_changed_setting_changes_every_command(tmp_path: Path) -> None:
    rendered = submit.files(example("submit={spark.driver.memory: 5g}"))
    for name, text in rendered.items():
        assert text.count("spark.driver.memory=5g") == len(job_names())
        with pytest.raises(AssertionError, match=f"{name} is out of date"):
            assert_golden_unwritten(FOLDER, {name: text})


def assert_golden_unwritten(folder: Path, rendered: dict[str, str]) -> None:
    """assert_golden, also while the committed files are being written again."""
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("GOLDEN", raising=False)
        assert_golden(folder, rendered)


@pytest.mark.parametrize("target", submit.TARGETS)
@pytest.mark.parametrize("job", job_names())
def test_a_command_names_its_environment_and_its_shim(target: str, job: str) -> None:
    words = shlex.split(" ".join(submit.job_lines(target, job, example())))
    assert words[0] == "spark-submit"
    carrier = [
        w
        for w in words
        if (f"fuserank-{environment_of(job, example())}" in w and "=" in w) or "tar.gz#environment" in w
    ]
    assert carrier, "neither archive nor image"
    assert all(f"fuserank-{environment_of(job, example())}" in w for w in carrier)
    script = words[words.index("--env") - 1]
    assert script.endswith(f"jobs/{job}.py")
    assert (Path(__file__).parents[2] / "jobs" / f"{job}.py").is_file()
