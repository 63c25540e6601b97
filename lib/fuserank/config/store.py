"""Settings of the online store."""

from __future__ import annotations

from pydantic import Field, field_validator

from fuserank.config import secrets
from fuserank.config.base import Section


class StoreConfig(Section):
    """Where published lists lie for who answers with them, and what goes with them."""

    auto: bool = Field(False, description="a refresh writes what is published into the store, as its last step")
    path: str | None = Field(
        None,
        description=(
            "folder of the snapshots, which all executors and servers see; default: store/ in the lake's root, where"
            " that is a folder"
        ),
    )
    redis: str | None = Field(
        None,
        description=(
            "copy each snapshot into this Redis, too: redis://host:6379/0; its password is read from"
            " FUSERANK_REDIS_PASSWORD"
        ),
    )
    shards: int = Field(16, ge=1, le=999, description="files that the lists are dealt into, by CRC-32 of the user's id")
    keep: int = Field(3, ge=1, description="snapshots of a surface that stay, the current one with them")
    similar: int = Field(50, ge=0, description="neighbours that an item keeps, the most alike first (count)")
    popular: int = Field(500, ge=1, description="items for users of whom nothing is known, best first (count)")

    @field_validator("redis")
    @classmethod
    def _holds_no_secret(cls, url: str | None) -> str | None:
        if url and (wrong := secrets.url_problem(url)):
            raise ValueError(wrong)
        return url
