"""The curl lines of docs/serving.md are run as they stand, and answer as the page shows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from fuserank.serving.keys import made
from fuserank.serving.store import snapshot
from tests.support.pages import DOCS
from tests.support.service import running
from tests.support.stores import user, write_snapshot

PAGE = (DOCS / "serving.md").read_text(encoding="utf-8")
PAIRS = re.findall(r"^```sh\n(.*?)^```\n(?:```json\n(.*?)^```$)?", PAGE, re.MULTILINE | re.DOTALL)


def alike(example: Any, answer: Any) -> bool:
    """Whether they have the same keys, all the way down; of a list its first elements are looked at."""
    if isinstance(example, dict):
        same = isinstance(answer, dict) and example.keys() == answer.keys()
        return same and all(alike(example[k], answer[k]) for k in example)
    if isinstance(example, list):
        return isinstance(answer, list) and all(alike(e, a) for e, a in zip(example, answer, strict=False))
    return True


@pytest.mark.skipif(shutil.which("curl") is None, reason="no curl on this machine")
def test_every_curl_of_the_page_answers_as_it_shows(tmp_path: Path) -> None:
    folder = write_snapshot(tmp_path / "store", [user("u17")])
    snapshot.switch(folder.parent, folder.name)
    key, _ = made(tmp_path / "keys.yaml", "shop", ["recommend"], None)
    assert sum(block.count("curl ") for block, _ in PAIRS) > 8
    with running(tmp_path / "store", keys=tmp_path / "keys.yaml", inbox=tmp_path / "inbox") as service:
        environment = {**os.environ, "URL": f"http://127.0.0.1:{service.port}", "KEY": key}
        for block, example in PAIRS:
            done = subprocess.run(
                ["sh", "-euc", block.replace("curl -s", "curl -sS --max-time 20 -w '\\n'")],
                env=environment,
                capture_output=True,
                text=True,
                check=True,
            )
            answers = [json.loads(line) for line in done.stdout.splitlines()]
            assert len(answers) == block.count("curl ")
            for answer in answers:
                assert ("error" in answer) == (example.lstrip().startswith('{"error"')), answer
            if example:
                assert alike(json.loads(example), answers[0]), answers[0]
        assert {line["route"] for line in service.lines("request")} >= {"recommendations", "rank", "basket", "session"}
