"""A model's arguments, checked against the tool's own model.

Small models quote numbers, send lists as JSON text and fill what they do not
need with null. What is meant beyond doubt is put right before pydantic looks;
what is wrong is answered with the field's name, for the model to mend.
"""

import json
from collections.abc import Mapping
from typing import get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo

from navi_bot.errors import ToolArgumentError
from navi_bot.ports.model import UNREADABLE
from navi_bot.ports.tools import Tool

MAX_FAULTS = 4
"""Faults named in one answer; more only confuse the model."""


def validated(tool: Tool, raw: Mapping[str, object]) -> BaseModel:
    """Return the arguments as the tool's model; ToolArgumentError names each bad field."""
    if UNREADABLE in raw:  # a model that takes no such field would run with its defaults
        raise ToolArgumentError(
            f"Error: the arguments for '{tool.name}' could not be read. "
            "Call it again with one valid JSON object."
        )
    meant = {
        name: _meant(value, tool.arguments.model_fields.get(name))
        for name, value in raw.items()
        if not _is_left_out(value, tool.arguments.model_fields.get(name))
    }
    try:
        return tool.arguments.model_validate(meant)
    except ValidationError as error:
        faults = "; ".join(
            f"{'.'.join(str(part) for part in fault['loc']) or 'arguments'}: {fault['msg']}"
            for fault in error.errors(include_url=False, include_input=False)[:MAX_FAULTS]
        )
        raise ToolArgumentError(f"Error: bad arguments for '{tool.name}': {faults}.") from error


def _is_left_out(value: object, field: FieldInfo | None) -> bool:
    return value is None and field is not None and not field.is_required()


def _meant(value: object, field: FieldInfo | None) -> object:
    if not isinstance(value, str) or field is None:
        return value
    wanted = _kinds(field.annotation)
    text = value.strip()
    if str not in wanted and wanted & {list, tuple, dict} and text[:1] in ("[", "{"):
        try:
            return json.loads(text)
        except ValueError:
            return value
    return text if wanted & {int, float, bool} else value


def _kinds(annotation: object) -> set[object]:
    """Return the plain types an annotation allows: list[str] | None → {list, NoneType}."""
    origin = get_origin(annotation)
    if origin in (list, tuple, dict):
        return {origin}
    parts = get_args(annotation)
    if origin is None or not parts:
        return {annotation}
    return set().union(*(_kinds(part) for part in parts))
