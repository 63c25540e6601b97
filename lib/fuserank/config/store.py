"""Settings of the online store."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, field_validator

from fuserank.config import secrets
from fuserank.config.auto import AUTO, OR_AUTO
from fuserank.config.base import Section
from fuserank.tables.attributes import USER_CATEGORIES, USER_ROLES


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

    segments: Annotated[tuple[str, ...], OR_AUTO] = Field(
        AUTO,
        description=(
            "columns of silver.users by whose values there are lists for users without one of their own (age, income"
            " …); a user's is that of the first column with a list for the user's value. []: none. auto: the one column"
            " of which lists, made of what half of the users took, tell most of what the other half took; none where"
            " no column tells anything worth a list"
        ),
    )
    segment_users: int = Field(
        50,
        ge=1,
        description=(
            "users who took something in the last windows.label_days, below which a value has no list (count): a list"
            " of few would tell what one of them took"
        ),
    )

    session_weights: Literal["auto", "default"] = Field(
        "auto",
        description=(
            "how much vectors, and what a sequence model says comes next, count against co-purchase in a session. auto:"
            " 2,000 baskets at most of the last windows.label_days before as_of are replayed with what was learned of"
            " the days before; default: the built-in weights"
        ),
    )

    step: Literal["auto", "none"] = Field(
        "auto",
        description=(
            "take along what a sequence model (sasrec, gru4rec, nextitnet) needs to say what comes next in a session."
            " auto: of the first one in candidates.sources that has a part in the ranking; none: of none"
        ),
    )

    @field_validator("segments")
    @classmethod
    def _are_columns(cls, names: tuple[str, ...] | str) -> tuple[str, ...] | str:
        fields = (*USER_ROLES, *USER_CATEGORIES)
        if isinstance(names, str):
            return names
        if wrong := [name for name in names if name not in fields]:
            raise ValueError(f"users have no column {wrong[0]!r}; there are: {', '.join(fields)}")
        if len(set(names)) < len(names):
            raise ValueError("a column is there twice")
        return names

    @field_validator("redis")
    @classmethod
    def _holds_no_secret(cls, url: str | None) -> str | None:
        if url and (wrong := secrets.url_problem(url)):
            raise ValueError(wrong)
        return url
