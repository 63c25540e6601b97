"""Vectors of users and items that trained models have learned. Those of sources stand in candidates.als_factors and
candidates.learned already, of which sources propose.
"""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table

VECTORS = Table(
    name="models.vectors",
    grain="one row per user or item with an embedding of its own, model kind and as_of_date",
    keys=("as_of_date", "kind", "side", "index"),
    writer="train",
    doc=(
        "Embeddings of the models that a run trains (models.vectors), for programs that read the lake, and for"
        " `fuserank similar`. Users beyond those of the training and items with too few rows have none."
    ),
    partition_by=("as_of_date",),
    slice_by=("as_of_date", "kind"),
    retention="365 days",
    columns=(
        c.as_of_date(),
        Column("kind", "string", "name", "the model, as fuserank.registry.models declares it", person="none"),
        Column(
            "side", "string", "name", "user or item", check="side in ('user','item')", default="item", person="none"
        ),
        Column("index", "int", "dense_index", "user_index or item_index, as side says", person="id"),
        Column("vector", "array<float>", "embedding", "as long as the model's user_dim or item_dim"),
        Column("model_id", "string", "id", "in models.registry", person="none"),
        c.run_id(),
    ),
)

TABLES = (VECTORS,)
