"""A model as a file of ONNX: what other programs find in it, and when there is none."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime as ort
import pytest

from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.io.lake import artifacts
from fuserank.learning.models import onnx_graph
from fuserank.learning.models.compress import quantised
from fuserank.learning.models.saving import from_arrays, logits, to_arrays
from fuserank.tables.results import MODELS
from fuserank.tables.samples import SAMPLES
from fuserank.usecases import export
from fuserank.usecases.registered import Registered
from tests.support import folder_lake, trained_lake
from tests.support.cli import ran
from tests.support.golden import ROOT


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The lake, and its model's id."""
    root = tmp_path_factory.mktemp("trained") / "lake"
    return root, trained_lake.write(root)


@pytest.fixture(scope="module")
def exported(whole: tuple[Path, str], tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """The model's file, and what is printed for machines."""
    file = tmp_path_factory.mktemp("exported") / "fnn.onnx"
    return file, json.loads(ran("export", "fnn", "--to", str(file), "--lake", str(whole[0]), "--json").stdout)


def test_a_program_that_reads_the_metadata_scores_rows_of_samples(
    whole: tuple[Path, str], exported: tuple[Path, dict[str, Any]]
) -> None:
    (root, model_id), (file, found) = whole, exported
    assert (found["model_id"], found["as_of"], found["rows"]) == (model_id, "2024-03-01", 4500)
    assert found["onnx"]["bytes"] == file.stat().st_size < 1.5 * found["torch"]["bytes"]
    assert found["difference"] <= found["limit"] == 1e-5
    assert min(found[side]["rows_per_second"] for side in ("torch", "onnx")) > 1000

    session = ort.InferenceSession(file, providers=["CPUExecutionProvider"])
    facts = session.get_modelmeta().custom_metadata_map
    assert (facts["model_id"], facts["as_of"], facts["output"]) == (model_id, "2024-03-01", "log_odds")
    names = json.loads(facts["inputs"])
    registered = Registered.newest(load("local", [f"lake={root}"]), "fnn")
    model, files = from_arrays(*registered.artifact()), registered.files("valid")
    columns = next(ArrowBatches(files, model.inputs, 1).read(files))
    wide = {"dense": names["dense"], "categorical": [of["name"] for of in names["categorical"]]}
    wide["history"] = names["history"]
    tensors = {name: np.stack([columns[c] for c in of], axis=1) for name, of in wide.items()}
    tensors |= {name: columns[names[name]] for name in ("user", "item")}
    [logit] = session.run(["logit"], tensors)
    block = next(ArrowBatches(files, model.inputs, 4500).batches(0))
    np.testing.assert_allclose(logit, logits(model, block), rtol=0, atol=1e-5)


def test_the_file_is_the_same_each_time_and_says_nothing_of_this_machine(
    whole: tuple[Path, str], exported: tuple[Path, dict[str, Any]], tmp_path: Path
) -> None:
    text = ran("export", "fnn", "--to", str(tmp_path / "m.onnx"), "--lake", str(whole[0])).stdout.splitlines()
    assert [line.split()[0] for line in text] == [whole[1], "bytes", "torch", "onnx", "logits"]
    content = (tmp_path / "m.onnx").read_bytes()
    assert content == exported[0].read_bytes()
    assert str(ROOT).encode() not in content
    assert b"site-packages" not in content


def test_nothing_is_written_where_a_logit_differs(
    whole: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "LIMIT", 0.0)
    with pytest.raises(FuserankError, match=r"differ by up to .* the limit is 0; nothing was written"):
        ran("export", "fnn", "--to", str(tmp_path / "m.onnx"), "--lake", str(whole[0]))
    assert not list(tmp_path.iterdir())


def test_what_cannot_be_exported_is_named_with_the_cure(
    whole: tuple[Path, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("export", "fnn", "--to", str(tmp_path / "m.onnx"), "--lake")
    with pytest.raises(FuserankError, match=r"there is no folder .*there; make it first"):
        ran("export", "fnn", "--to", str(tmp_path / "there" / "m.onnx"), "--lake", str(whole[0]))

    root = shutil.copytree(whole[0], tmp_path / "lake")
    registered = Registered.newest(load("local", [f"lake={root}"]), "fnn")
    before = from_arrays(*registered.artifact())
    small = quantised(before, registered.calibration(before))
    weights, text, sha256 = artifacts.encode(to_arrays(small), small.card())
    artifacts.write(f"{root}/small", weights, text, {})
    own = {"kind": "fnn", "as_of_date": trained_lake.AS_OF, "table_versions": {SAMPLES.name: 0}}
    folder_lake.rewrite(root, MODELS, [own | {"artifact": "small", "artifact_sha256": sha256}])
    with pytest.raises(FuserankError, match=r"has int8 weights, .* that it was made of \(--run, --as-of\)"):
        ran(*words, str(root))

    monkeypatch.setattr(onnx_graph, "_PACKAGES", ("onnx", "no_such_runtime"))
    with pytest.raises(FuserankError, match=r"^no_such_runtime is not installed here; .* extra onnx$"):
        ran(*words, str(whole[0]))
    monkeypatch.setattr(onnx_graph, "_MOST", 1000)
    with pytest.raises(FuserankError, match=r"fnn: 0.0 GiB of weights; a file of ONNX holds 2 at most"):
        onnx_graph.encoded(before, {})
