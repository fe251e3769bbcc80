"""Joins our parsers to pydantic's fields."""

from collections.abc import Callable
from typing import Annotated

from pydantic import BeforeValidator, Field

from navi_bot.settings import values


def parsed(parse: Callable[[str], object]) -> BeforeValidator:
    """Return a validator that parses text and lets other values pass."""
    return BeforeValidator(lambda value: parse(value) if isinstance(value, str) else value)


Seconds = Annotated[float, parsed(values.duration), Field(allow_inf_nan=False)]
"""A length of time in float seconds; accepts "90", "1.5", "90m", "6h", "2d"."""
