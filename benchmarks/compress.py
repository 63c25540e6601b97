"""A model of int8 weights against the same one of float32: size, rows a second of one core, and what it says.

    fuserank bench compress --lake DIR --json

The FNN that the lake has registered, and the same trained anew with 64 numbers in every row of every table (EPOCHS
passes over the split train, stopping by the valid loss as ever). "ratio": bytes of the artifact's weights, float32 over
int8, of the second. Both score the split valid in the blocks of the job scores on one thread, in turns; rows a second
are of the thread's processor time, medians. Ranges of the layers' inputs are of training rows.
"""

from __future__ import annotations

import os
from dataclasses import asdict
from typing import Any

import torch

import _shop
from fuserank.common.errors import FuserankError
from fuserank.config.settings import load
from fuserank.config.train import TrainConfig
from fuserank.io.batches.arrow import ArrowBatches
from fuserank.learning.models.compress import quantised
from fuserank.learning.models.contract import Model
from fuserank.learning.models.inputs import InputFit
from fuserank.learning.models.int8 import has_bytes
from fuserank.learning.models.saving import fresh, from_arrays
from fuserank.learning.training.trainer import train
from fuserank.usecases.compress_measure import measured
from fuserank.usecases.registered import Registered

WIDTH, EPOCHS, SEED = 64, 2, 20171204


def run(lake: str = "lake") -> dict[str, Any]:
    """One JSON object; both sides of both models."""
    registered = Registered.newest(load("local", [f"lake={lake}"]), "fnn")
    arrays, card = registered.artifact()
    if "weights" in card:
        raise FuserankError(f"{registered.model_id} is compressed already; train again")
    torch.set_num_threads(1)
    small, wide = from_arrays(arrays, card), _trained(registered)
    found = {f"{WIDTH} numbers a row": _sides(registered, wide), "as registered": _sides(registered, small)}
    first = found[f"{WIDTH} numbers a row"]
    return {
        "name": "compress",
        "ours": first["int8"]["bytes"],
        "peer": first["float32"]["bytes"],
        "unit": f"bytes of the weights of an FNN with {WIDTH} numbers a row of each table; the peer is float32",
        "ratio": first["ratio"],
        "faster": first["faster"],
        "ndcg_share_lost": first["ndcg_share_lost"],
        "reach": "ratio >= 3.6, faster >= 2, ndcg_share_lost <= .01",
        "models": found,
        "settings": {
            "epochs": EPOCHS,
            "threads": 1,
            "products_of_bytes": has_bytes(),
            "load_average": round(os.getloadavg()[0], 1),
            "cores": len(os.sched_getaffinity(0)),
        },
        "versions": _shop.versions("torch", "numpy", "safetensors"),
        "seed": SEED,
    }


def _trained(registered: Registered) -> Model:
    """The registered model's settings and inputs, with wide tables; in evaluation mode."""
    arrays, card = registered.artifact()
    small = from_arrays(arrays, card)
    dims = dict.fromkeys(card["model"]["categorical_dims"], WIDTH)
    config = type(small.config).model_validate(
        card["model"] | {"user_dim": WIDTH, "item_dim": WIDTH, "categorical_dims": dims}
    )
    rows, categories = (arrays[name][:-2] for name in ("item_row_I", "item_category_I"))
    fit = InputFit(arrays["mean_F"], arrays["scale_F"], card["users"], rows, categories, -3.0)
    torch.manual_seed(SEED)
    model = fresh(config, fit)
    how = TrainConfig.model_validate(card["train"] | {"ranks": 1, "epochs": EPOCHS})
    source = ArrowBatches(registered.files("train"), model.inputs, how.batch, seed=SEED)
    train(source, ArrowBatches(registered.files("valid"), model.inputs, 16_384), model, how, SEED)
    return model.eval()


def _sides(registered: Registered, model: Model) -> dict[str, Any]:
    small = quantised(model, registered.calibration(model))
    found = measured({"float32": model, "int8": small}, registered.files("valid"))
    before, after = found["float32"], found["int8"]
    return {
        **{name: asdict(of) for name, of in found.items()},
        "ratio": round(before.bytes / after.bytes, 2),
        "faster": round(after.rows_per_second / before.rows_per_second, 2),
        "ndcg_share_lost": round(1 - after.ndcg / before.ndcg, 5),
    }
