"""Settings of pseudonyms in a mapping."""

from __future__ import annotations

from pydantic import Field

from fuserank.config.base import Section


class PseudonymsConfig(Section):
    """Users' ids are replaced before anything is written; docs/privacy.md says where, and what remains."""

    variable: str = Field(
        "FUSERANK_PSEUDONYM_KEY",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="environment variable with the key; the key itself never stands here",
    )
    also: dict[str, list[str]] = Field(
        default_factory=dict,
        description="table → further columns with ids of people (session, e-mail); they are in no vault",
    )
    vault: bool = Field(True, description="keep users' ids in vault.users; without it there is no way back")
