"""Steps of sequence models for the recommend service, made without Spark and without training."""

from __future__ import annotations

import functools
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from fuserank.learning.sequences.settings import SequenceConfig
from fuserank.registry.sources import SOURCES
from tests.support.family import config, in_baskets, pairs

Floats = npt.NDArray[np.float32]


class Made(NamedTuple):
    """What a snapshot's step is made of; ``net_N``: the numbers of the encoder."""

    cfg: SequenceConfig
    net_N: Floats
    content: bytes
    items_IE: Floats
    at_once: int = 0


def small(name: str = "gru4rec", **more: object) -> SequenceConfig:
    """Settings of a small encoder."""
    shape = {"factors": 8, "length": 6, **({"units": 8} if name == "gru4rec" else {})}
    found: SequenceConfig = SOURCES[name].settings.model_validate({**config(name).model_dump(), **shape, **more})
    return found


def numbers(cfg: SequenceConfig, seed: int = 7, learned_at_once: bool = True) -> Floats:
    """Of an encoder that nothing was learned by; its gaps differ all the same."""
    import torch

    from fuserank.learning.sequences.model import SequenceModel, flat

    torch.manual_seed(seed)
    nothing = torch.empty(0, dtype=torch.int64)
    model = SequenceModel(cfg, torch.empty(0), nothing, torch.empty(0), nothing)
    with torch.no_grad():
        model.gap.weight.normal_()
        model.gap.weight[0] *= learned_at_once
        for code in model.codes.parameters():
            code.normal_()
    return flat(model)


def directions(count: int, depth: int, seed: int = 3) -> Floats:
    """Vectors of length 1 at random [count, depth]."""
    found = np.random.default_rng(seed).standard_normal((count, depth)).astype(np.float32)
    return found / np.sqrt((found**2).sum(1, keepdims=True))


@functools.cache
def at_random(items: int, **more: int) -> Made:
    """Of an encoder that nothing was learned by, and items at random, the first ones the most popular."""
    from fuserank.learning.sequences.step import graph

    cfg = small(**more)
    net_N = numbers(cfg)
    liked_I = -0.01 * np.arange(items, dtype=np.float32)
    return Made(cfg, net_N, graph(cfg, net_N).content, np.column_stack([directions(items, cfg.factors), liked_I]))


@functools.cache
def counting(items: int = 24) -> Made:
    """A model that learned that item n + 1 follows item n a day later, and 0 the last one."""
    import pyarrow as pa

    from fuserank.learning.recommenders.interactions import Interactions
    from fuserank.learning.recommenders.state import State
    from fuserank.learning.sequences.member import learn
    from fuserank.learning.sequences.step import graph

    cfg = small(units=16, factors=16, epochs=30, places=256, negatives=64, learning_rate=0.005, dropout=0.1)
    steps, starts = 8, np.random.default_rng(5).integers(0, items, 120)
    rows = ((u, (start + n) % items, 1, steps - 1 - n) for u, start in enumerate(starts) for n in range(steps))
    state = State(pa.Table.from_batches(list(learn(Interactions.of_baskets(in_baskets(pairs(rows))), cfg, 3, (0, 1)))))
    _, e_ID, liked_I = state.vectors("item")
    net_N = state.vectors("net")[1].ravel()
    content, at_once = graph(cfg, net_N)
    popular_I = cfg.temperature * (liked_I - liked_I.max())
    return Made(cfg, net_N, content, np.column_stack([e_ID, popular_I]).astype(np.float32), at_once)
