"""The manual of one tool: its longer text, and its arguments."""

from collections.abc import Mapping

from pydantic import BaseModel, Field

from navi_bot.ports.tools import Call, Effect, Result, Tool

name = "tool_manual"
description = "Read a tool's manual: what each action and argument does. Look before you guess."
effect = Effect.PURE
timeout = 5.0


class Arguments(BaseModel):
    tool: str = Field(description="the tool's name")


async def run(arguments: Arguments, call: Call) -> Result:
    tool = call.catalogue.find_tool(arguments.tool.strip())
    if tool is None:
        names = ", ".join(each.name for each in call.catalogue.tools())
        return Result(f"No tool '{arguments.tool}'; there are: {names}.", ok=False)
    parts = [f"{tool.name}: {tool.description}", tool.manual, _arguments(tool)]
    return Result("\n\n".join(part for part in parts if part))


def _arguments(tool: Tool) -> str:
    schema = tool.schema.parameters
    properties, required = schema.get("properties"), schema.get("required", [])
    if not isinstance(properties, Mapping) or not properties:
        return "It takes no arguments."
    lines = [
        f"- {field} ({shape.get('type', 'any')}"
        f"{', required' if isinstance(required, list) and field in required else ''})"
        f"{': ' + shape['description'] if 'description' in shape else ''}"
        for field, shape in properties.items()
    ]
    return "\n".join(["Arguments:", *lines])
