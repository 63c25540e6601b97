"""RecTools' SASRecModel on histories in a Parquet file, in the environment that runs this: windows a second."""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from typing import Any, ClassVar

import pandas as pd
import torch
from pytorch_lightning import Callback, Trainer, seed_everything
from rectools import Columns
from rectools.dataset import Dataset
from rectools.models import SASRecModel


class Epochs(Callback):
    """Seconds of each epoch of training; of the class, as RecTools copies what it is handed."""

    seconds: ClassVar[list[float]] = []
    started = 0.0

    def on_train_epoch_start(self, trainer: Any, pl_module: Any) -> None:
        self.started = time.perf_counter()

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        self.seconds.append(time.perf_counter() - self.started)


def measured(settings: dict[str, Any]) -> dict[str, Any]:
    """``settings``: file and settings, as train_seq has them."""
    torch.set_num_threads(1)
    seed_everything(settings["seed"])
    rows = pd.read_parquet(settings["histories"])
    rows = rows.rename(columns={"user": Columns.User, "item": Columns.Item}).assign(
        **{Columns.Weight: 1.0, Columns.Datetime: pd.Timestamp("2017-01-01")}
    )
    rows[Columns.Datetime] += pd.to_timedelta(rows.groupby(Columns.User).cumcount(), unit="min")

    def trainer() -> Trainer:
        return Trainer(
            max_epochs=settings["epochs"],
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            callbacks=[Epochs()],
        )

    model = SASRecModel(
        n_factors=settings["factors"],
        n_blocks=settings["layers"],
        n_heads=settings["heads"],
        session_max_len=settings["length"],
        batch_size=settings["batch"],
        loss="sampled_softmax",
        n_negatives=settings["negatives"],
        train_min_user_interactions=2,
        get_trainer_func=trainer,
    )
    model.fit(Dataset.construct(rows))
    windows = rows[Columns.User].nunique()
    return {
        "windows_a_second": round(windows / min(Epochs.seconds), 1),
        "seconds_an_epoch": [round(s, 2) for s in Epochs.seconds],
        "windows": windows,
        "negatives_a_place": settings["negatives"],
        "versions": {name: version(name) for name in ("rectools", "torch", "pytorch-lightning")},
    }


if __name__ == "__main__":
    print(json.dumps(measured(json.loads(sys.argv[1]))))
