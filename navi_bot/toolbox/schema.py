"""JSON schemas as small models and their hosts take them: flat, no references.

pydantic writes an optional argument as `anyOf: [type, null]` and a nested
model as a `$ref`; chat templates print both badly or drop them. Here every
argument gets one plain type. Keys keep the order of the fields, so that the
prompt is byte-equal from run to run.
"""

from collections.abc import Mapping

from pydantic import BaseModel

_KEPT = ("type", "description", "enum", "items", "properties", "required", "minimum", "maximum")
_ANYTHING: Mapping[str, object] = {"type": "object"}


def parameters_of(arguments: type[BaseModel]) -> dict[str, object]:
    """Return the flat JSON schema object of a tool's arguments."""
    full = arguments.model_json_schema()
    definitions = full.get("$defs", {})
    flat = _flat(full, definitions, ())
    flat.pop("description", None)  # the class's docstring is for us; the tool has its own
    flat.setdefault("properties", {})
    return flat


def _flat(
    node: Mapping[str, object], definitions: Mapping[str, object], inside: tuple[str, ...]
) -> dict[str, object]:
    node, inside = _resolved(node, definitions, inside)
    flat: dict[str, object] = {}
    for key in _KEPT:
        if key not in node:
            continue
        value = node[key]
        if key == "items" and isinstance(value, Mapping):
            value = _flat(value, definitions, inside)
        elif key == "properties" and isinstance(value, Mapping):
            value = {name: _flat(child, definitions, inside) for name, child in value.items()}
        flat[key] = value
    if "const" in node:
        flat["enum"] = [node["const"]]
    return flat


def _resolved(
    node: Mapping[str, object], definitions: Mapping[str, object], inside: tuple[str, ...]
) -> tuple[Mapping[str, object], tuple[str, ...]]:
    """Follow references and choose the first real type of a union."""
    while True:
        if "$ref" in node:
            name = str(node["$ref"]).rpartition("/")[2]
            target = definitions.get(name)
            if name in inside or not isinstance(target, Mapping):
                return _ANYTHING, inside
            inside = (*inside, name)
            node = {**target, **{key: node[key] for key in ("description",) if key in node}}
        elif choices := _choices(node):
            kept = {key: value for key, value in node.items() if key not in ("anyOf", "oneOf")}
            node = {**choices[0], **kept}
        else:
            return node, inside


def _choices(node: Mapping[str, object]) -> list[Mapping[str, object]]:
    union = node.get("anyOf") or node.get("oneOf")
    if not isinstance(union, list):
        return []
    return [each for each in union if each.get("type") != "null"]
