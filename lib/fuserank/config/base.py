"""The one base of all settings: frozen, and strict about keys it does not know."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict


class Section(BaseModel):
    """A section of the settings. Unknown keys are refused with their path."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)
