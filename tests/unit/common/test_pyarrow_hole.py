"""CVE-2023-47248 is closed whichever is imported first, and pyarrow is imported by nobody who only asks for help."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest

_CLOSED = "import sys; print('pyarrow_hotfix' in sys.modules)"


@pytest.mark.skipif(tuple(int(n) for n in pa.__version__.split(".")[:2]) >= (14, 1), reason="this pyarrow has no hole")
@pytest.mark.parametrize(
    "imports",
    [
        "import fuserank, pyarrow",
        "import pyarrow, fuserank",
        "import fuserank; import pyarrow.parquet",
        "import fuserank, pandas; import pyarrow as pa; pa.table({})",
    ],
)
def test_the_hole_is_closed_before_any_file_is_read(imports: str) -> None:
    done = subprocess.run([sys.executable, "-c", f"{imports}; {_CLOSED}"], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def test_who_asks_whether_pyarrow_is_there_opens_no_hole(tmp_path: Path) -> None:
    (tmp_path / "pyarrow.py").write_text("__version__ = '14.0.0'\n")
    (tmp_path / "pyarrow_hotfix.py").write_text("")
    code = (
        f"import sys, fuserank, importlib.util; sys.path.insert(0, {str(tmp_path)!r});"
        f" importlib.util.find_spec('pyarrow'); import pyarrow; {_CLOSED}"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True"]


def test_help_imports_no_pyarrow_and_no_settings() -> None:
    code = (
        "import sys, fuserank.cli.main; print([m for m in ('pyarrow', 'numpy', 'pydantic', 'pyspark') if m in"
        " sys.modules])"
    )
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
