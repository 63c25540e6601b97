"""A user as a person names one: business id or pseudonym, on one platform or another."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from fuserank.common.ids import normal_id
from fuserank.config.mapping.load import load_dataset
from fuserank.privacy.environment import key_of
from fuserank.privacy.keys import KeyProblem, is_pseudonym
from fuserank.stages.silver.identities import STEPS
from fuserank.tables.ops import PSEUDONYMS
from fuserank.tables.silver import IDENTITY_LINKS

if TYPE_CHECKING:
    from fuserank.config.settings import Settings
    from fuserank.io.lake.rows import Row, Rows


def known_as(lake: Rows, settings: Settings, user: str) -> str:
    """A user as a person names one → the ``user_id`` that its events count for, as of the settings' day.

    :raises KeyProblem: the lake holds pseudonyms, and the mapping or its key does not fit
    """
    return person_of(lake, _user_of(lake, settings.dataset, user), settings.as_of)


def _user_of(lake: Rows, dataset: str, user: str) -> str:
    """A user as a person names one (business id or pseudonym) → ``user_id`` of the lake's tables.

    :raises KeyProblem: the lake holds pseudonyms, and the mapping or its key does not fit
    """
    business_id, pseudonyms = normal_id(user) or "", _pseudonyms_of(lake)
    if not pseudonyms or not business_id or is_pseudonym(business_id):
        return business_id
    mapping = load_dataset(dataset)
    key = key_of(mapping)
    if key is None:
        raise KeyProblem(
            f"lake {lake.root} holds pseudonyms, and the mapping of {dataset} has none; name its own by --dataset "
            f"({', '.join(sorted({r['dataset'] for r in pseudonyms}))}), or give the user's pseudonym"
        )
    if key.fingerprint not in {row["key_check"] for row in pseudonyms}:
        assert mapping.pseudonyms is not None
        raise KeyProblem(f"lake {lake.root} holds pseudonyms of another key than {mapping.pseudonyms.variable} holds")
    return key.of(business_id) or ""


def _pseudonyms_of(lake: Rows) -> list[Row]:
    return lake.rows(PSEUDONYMS, {}) if lake.exists(PSEUDONYMS) else []


def person_of(lake: Rows, user_id: str, as_of: dt.date) -> str:
    """The ``user_id`` that events of this one count for, by the links that are known before 00:00 UTC of ``as_of``."""
    if not lake.exists(IDENTITY_LINKS):
        return user_id
    before = dt.datetime.combine(as_of, dt.time())
    for _ in range(STEPS):
        links = lake.rows(IDENTITY_LINKS, {"other_id": user_id}, order=("-known_at",))
        known = [link for link in links if link["known_at"] < before]
        if not known or not known[0]["consent"]:
            break
        user_id = known[0]["user_id"]
    return user_id
