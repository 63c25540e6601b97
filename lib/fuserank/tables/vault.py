"""The vault: the one table that holds users' business ids where a data set has pseudonyms."""

from __future__ import annotations

from fuserank.tables import columns as c
from fuserank.tables.contract import Column, Table

USERS = Table(
    name="vault.users",
    grain="one row per pseudonym",
    keys=("pseudonym",),
    writer="bronze",
    doc=(
        "The way back from a pseudonym; under a root of its own (`vault` in the settings), for few eyes. Nothing reads"
        " it but `fuserank vault`."
    ),
    columns=(
        Column("pseudonym", "string", "id", "the user's id everywhere else", person="id"),
        Column("business_id", "string", "id", "the user's id in the shop, after NFC and trim", person="id"),
        c.run_id(),
    ),
)

TABLES = (USERS,)
