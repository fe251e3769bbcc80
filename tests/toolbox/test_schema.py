"""Schemas are flat: what small models and chat templates can read."""

import json
from enum import StrEnum
from typing import Literal

import pytest
from pydantic import BaseModel, Field

from navi_bot.toolbox.registry import shipped
from navi_bot.toolbox.schema import parameters_of


class Colour(StrEnum):
    RED = "red"
    BLUE = "blue"


class Inner(BaseModel):
    """Not for the model."""

    size: int = Field(default=1, ge=1, le=9, description="how big")


class Tree(BaseModel):
    children: list["Tree"] = []


class Wanted(BaseModel):
    """Ours."""

    text: str = Field(description="words")
    count: int | None = None
    kind: Literal["a", "b"] = "a"
    only: Literal["x"] = "x"
    colour: Colour = Colour.RED
    inner: Inner = Inner()
    many: list[Inner] | None = None


def test_every_argument_has_one_plain_type() -> None:
    """Optional, enum, nested and list arguments without $defs, anyOf, titles or defaults."""
    assert parameters_of(Wanted) == {
        "type": "object",
        "properties": {
            "text": {"type": "string", "description": "words"},
            "count": {"type": "integer"},
            "kind": {"type": "string", "enum": ["a", "b"]},
            "only": {"type": "string", "enum": ["x"]},
            "colour": {"type": "string", "enum": ["red", "blue"]},
            "inner": {
                "type": "object",
                "description": "Not for the model.",
                "properties": {
                    "size": {
                        "type": "integer",
                        "description": "how big",
                        "minimum": 1,
                        "maximum": 9,
                    }
                },
            },
            "many": {
                "type": "array",
                "items": {
                    "type": "object",
                    "description": "Not for the model.",
                    "properties": {
                        "size": {
                            "type": "integer",
                            "description": "how big",
                            "minimum": 1,
                            "maximum": 9,
                        }
                    },
                },
            },
        },
        "required": ["text"],
    }


def test_a_model_within_itself_ends() -> None:
    """A recursive reference becomes a plain object instead of going on for ever."""
    assert "$ref" not in json.dumps(parameters_of(Tree))


def test_no_arguments_are_an_empty_object() -> None:
    """Hosts want "properties" even when there are none."""

    class Nothing(BaseModel):
        pass

    assert parameters_of(Nothing) == {"type": "object", "properties": {}}


@pytest.mark.parametrize("name", shipped().tools)
def test_the_shipped_schemas_are_flat_and_stable(name: str) -> None:
    """One level, no unions, no references, equal bytes on every load, all fields described."""
    first, second = (shipped().tools[name].schema for _ in range(2))
    text = json.dumps(first.parameters)
    assert text == json.dumps(second.parameters)
    for word in ("$ref", "$defs", "anyOf", "oneOf", "title"):
        assert f'"{word}"' not in text
    properties = first.parameters["properties"]
    assert isinstance(properties, dict)
    assert all(shape["description"] for shape in properties.values())
    assert len(first.description) <= 240
