"""docs/add-a-feature.md, followed to the letter: one declaration, and the column stands wherever it must."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

from tests.support.pages import blocks

ROOT = Path(__file__).parents[4]
PAGE = ROOT / "docs" / "add-a-feature.md"


def test_the_page_s_declaration_stands_in_contract_samples_inputs_profile_docs_and_oracle(tmp_path: Path) -> None:
    features, inputs = blocks(PAGE, "python")
    lib = tmp_path / "lib"
    shutil.copytree(ROOT / "lib" / "fuserank", lib / "fuserank", ignore=shutil.ignore_patterns("__pycache__"))
    declared = lib / "fuserank" / "tables" / "features" / "user.py"
    text = declared.read_text(encoding="utf-8")
    for start, block in (("FEATURES = (", features), ("INPUTS = (", inputs)):
        end = text.index("\n)", text.index(f"\n{start}"))
        text = text[: end + 1] + block + text[end + 1 :]
    declared.write_text(text, encoding="utf-8")
    done = subprocess.run(
        [
            sys.executable,
            str(ROOT / "tests" / "unit" / "stages" / "features" / "declared_once.py"),
            "units_per_basket_28d_count",
            "user_units_per_basket_log1p",
        ],
        env={**os.environ, "PYTHONPATH": f"{lib}{os.pathsep}{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout.splitlines()[-1])
    values = found.pop("engine"), found.pop("loops")
    assert values[0] == values[1]
    assert any(values[0])
    assert found == {
        "contract": True,
        "samples": True,
        "default": 0.0,
        "inputs": True,
        "profile": True,
        "docs": [True, True],
    }
