"""The one base of all settings: frozen, and strict about keys it does not know."""

from __future__ import annotations

from typing import Any, get_args

from pydantic import BaseModel, ConfigDict, model_validator


class Section(BaseModel):
    """A section of the settings. Unknown keys are refused with their path, and so is a flag where a number belongs."""

    # no input in errors: it may be what somebody took for the place of a secret
    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True, hide_input_in_errors=True)

    @model_validator(mode="before")
    @classmethod
    def _no_flag_for_a_number(cls, values: Any) -> Any:
        """YAML's yes, on and true are flags, which would count as 1."""
        for name, value in values.items() if isinstance(values, dict) else ():
            if isinstance(value, bool) and name in cls.model_fields:
                kinds = _kinds(cls.model_fields[name].annotation)
                if kinds & {int, float} and not kinds & {bool, Any}:
                    word = str(value).lower()
                    raise ValueError(f"{name} is a number, not {word} (YAML reads yes, on and true as flags)")
        return values


def _kinds(annotation: Any) -> set[Any]:
    """An annotation and all that it is made of."""
    return {annotation}.union(*(_kinds(part) for part in get_args(annotation)))
