"""What progress says is what people read, whatever stands in it."""

from __future__ import annotations

import pytest

from fuserank.io.runtime.progress import Progress


def test_brackets_are_text(capsys: pytest.CaptureFixture[str]) -> None:
    progress = Progress()
    progress.say("file a[1].csv: [bold]no[/bold] [/]")
    progress.step("step [3/4]")
    with progress.stage("bronze [red] as of 2020-01-01"):
        pass
    with pytest.raises(ValueError), progress.stage("silver [/]"):  # noqa: PT011
        raise ValueError
    output = capsys.readouterr().err
    assert "file a[1].csv: [bold]no[/bold] [/]\n" in output
    assert "    step [3/4]\n" in output
    assert "✓ bronze [red] as of 2020-01-01" in output
    assert "✗ silver [/] after 0.0 s\n" in output
