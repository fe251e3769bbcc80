"""Faults of settings as sentences for the operator; pure.

A sentence begins with the variable, says what is wrong and then the mend. A
value is repeated only where it should have been a number or one of a few
words, and what looks like a secret is masked even there.
"""

from collections.abc import Mapping

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from navi_bot.redaction import redact

_LONGEST = 80
"""Characters of a wrong value that are repeated."""


def sentences(error: ValidationError) -> tuple[str, ...]:
    """Return one sentence per fault."""
    return tuple(redact(_sentence(fault)) for fault in error.errors())


def _sentence(fault: ErrorDetails) -> str:
    variable = str(fault["loc"][0]) if fault["loc"] else "The settings"
    context: Mapping[str, object] = fault.get("ctx", {})
    if fault["type"] == "value_error":
        return f"{variable} {context['error']}"
    wanted = _wanted(fault["type"], context)
    if not wanted:
        return f"{variable} cannot be used."
    given = str(fault["input"])
    shown = given if len(given) <= _LONGEST else given[:_LONGEST] + "…"
    return f"{variable} {wanted}, not {shown!r}."


def _wanted(kind: str, context: Mapping[str, object]) -> str:
    match kind:
        case "int_parsing" | "int_from_float" | "int_type" | "int_parsing_size":
            return "must be a whole number"
        case "float_parsing" | "float_type" | "finite_number":
            return "must be a number"
        case "bool_parsing" | "bool_type":
            return "must be true or false"
        case "literal_error":
            return f"must be {str(context['expected']).replace(chr(39), '')}"
        case "greater_than":
            return f"must be more than {context['gt']:g}"
        case "greater_than_equal":
            return f"must be at least {context['ge']:g}"
        case "less_than_equal":
            return f"must be at most {context['le']:g}"
        case _:
            return ""
