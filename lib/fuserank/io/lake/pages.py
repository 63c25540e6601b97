"""Pages that people open: HTML files on this machine."""

from __future__ import annotations

from pathlib import Path

from fuserank.common.errors import FuserankError


def write_page(path: Path, text: str) -> Path:
    """Write a page and move it into place, so that nobody opens half of one; makes its folder."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.part")
        draft.write_text(text, encoding="utf-8")
        draft.replace(path)
    except OSError as problem:
        raise FuserankError(f"{path} cannot be written: {problem.strerror}; name another file") from None
    return path
