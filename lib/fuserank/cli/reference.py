"""The reference pages of settings and commands, printed or compared with a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from fuserank.common.errors import FuserankError

Check = Annotated[Path | None, typer.Option("--check", help="fail where this file is out of date")]


def settings(check: Check = None) -> None:
    """Every setting as Markdown: type, default, range and meaning; what --set takes."""
    from fuserank.config.docs import markdown

    printed(markdown(), check)


def commands(context: typer.Context, check: Check = None) -> None:
    """Every command as Markdown: arguments, options, defaults."""
    from fuserank.cli.docs import markdown

    printed(markdown(context.find_root().command), check)


def api(check: Check = None) -> None:
    """What programs and notebooks may import, as Markdown: modules, signatures, docstrings."""
    from fuserank.cli.api_page import markdown

    printed(markdown(), check)


def printed(text: str, check: Path | None) -> None:
    """The page on stdout; with ``check`` nothing, and FuserankError where the file holds something else."""
    if check is None:
        typer.echo(text, nl=False)
    elif not check.is_file() or check.read_text(encoding="utf-8") != text:
        raise FuserankError(f"{check} is out of date; run `make docs`")
