"""FNN: embeddings and numeric features through fully connected tanh layers to one logit.

After Zhang, Du, Wang, "Deep learning over multi-field categorical data" (ECIR 2016): embeddings of the fields, tanh
layers, sigmoid, binary cross-entropy. Beyond it: numeric features, the pooled history (mean of its embeddings, as in
Covington et al., RecSys 2016) with its inner product with the item, and a wide linear term (Cheng et al., DLRS 2016).
"""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn
from torch.nn import functional as fn

from fuserank.common.embedding_rows import bucket
from fuserank.config.model import EmbeddedConfig
from fuserank.learning.models.base import SampleModel
from fuserank.learning.models.batch import Batch
from fuserank.learning.models.distinct import Distinct
from fuserank.learning.models.inputs import InputFit
from fuserank.learning.models.int8 import Lookup, Q8Embedding, Q8Layers


class FNN(SampleModel):
    """Batch in, logit_B out. Shapes: B rows, F numeric, C categorical, L history, U distinct histories, D embedding.

    Users and items beyond those of the fit share row 0 of their table, and items too rare for a row of their own do, or
    some rows by a hash; so do users where the settings say how many.
    """

    config: EmbeddedConfig

    def __init__(self, config: EmbeddedConfig, fit: InputFit) -> None:
        super().__init__(config, fit)
        inputs, rows = self.inputs, self.item_rows
        self.distinct = Distinct(len(inputs.history))
        self.user = nn.Embedding((config.user_rows or fit.users) + 1, config.user_dim)
        self.item = nn.Embedding(rows + 1, config.item_dim)  # the last row is padding
        self.item_bias = nn.Embedding(rows + 1, 1)
        self.categorical = nn.ModuleList(
            nn.Embedding(size + 1, config.categorical_dims[name]) for name, size in inputs.categorical
        )
        dims = [config.categorical_dims[name] for name, _ in inputs.categorical]
        width = len(self.kinds) + config.user_dim + 2 * config.item_dim + sum(dims)
        width += (0 if self.pooled is None else dims[self.pooled]) + 1
        self.reader = self.make_reader()
        width += 0 if self.reader is None else config.item_dim + 1
        self.crosses = self.make_crosses(width)
        crossed = 0 if self.crosses is None else width
        self.layers = nn.Sequential()
        for units in config.hidden:
            self.layers.extend([nn.Linear(width, units), nn.Tanh(), nn.Dropout(config.dropout)])
            width = units
        self.out = nn.Linear(width + crossed, 1)
        self.wide = nn.Linear(len(self.kinds), 1, bias=False)
        self.embedding_dropout = nn.Dropout(config.embedding_dropout)
        self._initialise(fit.log_odds)

    def make_reader(self) -> nn.Module | None:
        """What makes a vector of the user's last items in their order, (U, L, D) to (U, L, D); None: nothing does."""
        return None

    def make_crosses(self, width: int) -> nn.Module | None:
        """What makes products of the inputs of the layers, (B, width) to (B, width); None: nothing does."""
        return None

    def _initialise(self, log_odds: float) -> None:
        for module in self.modules():
            if isinstance(module, nn.Embedding):
                nn.init.normal_(module.weight, 0, self.config.embedding_std)
            elif isinstance(module, nn.Linear):
                nn.init.xavier_normal_(module.weight)
        for layer in self.layers:
            if isinstance(layer, nn.Linear):
                nn.init.zeros_(layer.bias)
        for start_at_zero in (self.item_bias.weight, self.wide.weight):
            nn.init.zeros_(start_at_zero)
        if not self.config.wide:
            self.item_bias.weight.requires_grad_(False)
            self.wide.weight.requires_grad_(False)
        nn.init.constant_(self.out.bias, log_odds)

    def _history(self, history_BL: Tensor) -> tuple[Tensor, Tensor | None, Tensor | None, Tensor]:
        """Mean embeddings of the history, of its items and of their categories, and what the reader makes of it: once
        for each distinct one of the batch (U, D), and which of them each row has.
        """
        history_UL, row_B = self.distinct(history_BL)
        index_UL = self.item_index(history_UL)
        item_UL = self.item_row_I[index_UL]
        items_UD, read_UD, categories_UD = _pool(self.item, item_UL), None, None
        if self.reader is not None:
            x_ULD = self.item(item_UL.flip(1)) * (item_UL.flip(1) != self.item_rows).unsqueeze(2)  # oldest first
            read_UD = self.reader(x_ULD)[:, -1]
        if self.pooled is not None:
            table = cast("nn.Embedding", self.categorical[self.pooled])
            categories_UD = _pool(table, self.item_category_I[index_UL])
        return items_UD, categories_UD, read_UD, row_B

    def forward(self, batch: Batch) -> Tensor:
        """Logits (B,) of a batch. A user or item above those of the fit has the row of the unknown."""
        x_BF = self.standardised(batch.dense_BF)
        row_B = self.item_row_I[self.item_index(batch.item_B)]
        items_UD, categories_UD, read_UD, history_B = self._history(batch.history_BL)
        item, history = Lookup(self.item, row_B), Lookup(items_UD, history_B)
        user_B = self._user_rows(batch.user_B)
        tables = cast("list[nn.Embedding]", list(self.categorical))
        categorical = [Lookup(table, batch.categorical_BC[:, k]) for k, table in enumerate(tables)]
        embedded = [Lookup(self.user, user_B), item, *categorical, history]
        item_BD = item.floats_BD
        dot_B = _dots(item_BD, history.floats_BD)
        if categories_UD is not None and self.pooled is not None:
            embedded.append(Lookup(categories_UD, history_B))
            dot_B = dot_B + _dots(categorical[self.pooled].floats_BD, embedded[-1].floats_BD)
        dots = [dot_B]
        if read_UD is not None:
            embedded.append(Lookup(read_UD, history_B))
            dots.append(_dots(item_BD, embedded[-1].floats_BD))
        logit_B1 = self.out(self._hidden(x_BF, embedded, dots))
        if self.config.wide:
            logit_B1 = logit_B1 + self.wide(x_BF) + self.item_bias(row_B)
        return logit_B1.squeeze(1)

    def _user_rows(self, user_B: Tensor) -> Tensor:
        """Rows of the users' table; 0 of the unknown."""
        shared = self.config.user_rows
        row_B = user_B + 1 if shared is None else bucket(user_B.long(), shared).int() + 1
        return torch.where(user_B < self.users, row_B, 0)

    def _hidden(self, x_BF: Tensor, embedded: list[Lookup], dots: list[Tensor]) -> Tensor:
        """What the layers and the crosses make of their inputs, side by side (B, H)."""
        small = isinstance(self.layers, Q8Layers)
        if small and self.crosses is None:
            return self.layers([x_BF, *embedded, *dots])
        embedded_BD = torch.cat([part.floats_BD for part in embedded], dim=1)
        in_BW = torch.cat([x_BF, self.embedding_dropout(embedded_BD), *dots], dim=1)
        hidden_BH = self.layers([in_BW]) if small else self.layers(in_BW)
        return hidden_BH if self.crosses is None else torch.cat([hidden_BH, self.crosses(in_BW)], dim=1)


def _dots(one_BD: Tensor, other_BD: Tensor) -> Tensor:
    """Inner products of rows, (B, 1)."""
    return (one_BD * other_BD).sum(dim=1, keepdim=True)


def _pool(table: nn.Embedding | Q8Embedding, row_UL: Tensor) -> Tensor:
    """Mean over the places that are not padding (the table's last row); zeros where all are."""
    if isinstance(table, Q8Embedding):
        return table.pooled(row_UL)
    if torch.compiler.is_exporting():  # ONNX has no bag
        there_UL1 = (row_UL != table.num_embeddings - 1).unsqueeze(2).float()
        return (table(row_UL) * there_UL1).sum(dim=1) / there_UL1.sum(dim=1).clamp(min=1)
    return fn.embedding_bag(row_UL, table.weight, mode="mean", padding_idx=table.num_embeddings - 1)
