"""The checklist of the session, ticked off live."""

from dataclasses import replace
from typing import Literal

from pydantic import BaseModel, Field, field_validator

from navi_bot.errors import ToolArgumentError
from navi_bot.events import Todo, TodoChanged
from navi_bot.ports.tools import Call, Effect, Result

name = "todo"
description = (
    "Keep the checklist that the person watches. Set it for work of three or more steps, "
    "then mark each step active and done (or failed) as you go."
)
effect = Effect.PURE
timeout = 10.0
manual = """
action=set     replace the list by `items` (short phrases, in order)
action=add     append `items`
action=update  give the item with this `number` (from 1) the `state`
action=show    read the list
action=clear   empty the list

States: open, active, done, failed. One item is active at a time. Mark an item done only when
you have checked that it is.
"""

MAX_ITEMS = 30
"""More than a phone shows at once, and more than a small model keeps track of."""
MAX_LENGTH = 200
_MARKS = {"open": " ", "active": ">", "done": "x", "failed": "!"}
_SYNONYMS = {
    "pending": "open",
    "todo": "open",
    "in_progress": "active",
    "in progress": "active",
    "doing": "active",
    "started": "active",
    "completed": "done",
    "complete": "done",
    "finished": "done",
    "blocked": "failed",
    "cancelled": "failed",
}


class Arguments(BaseModel):
    action: Literal["set", "add", "update", "show", "clear"] = Field(
        default="show", description="set, add, update, show or clear"
    )
    items: list[str] = Field(
        default=[], description="for set and add: the steps, one short phrase each"
    )
    number: int = Field(default=0, description="for update: the item's number, from 1")
    state: Literal["open", "active", "done", "failed"] = Field(
        default="done", description="for update: open, active, done or failed"
    )

    @field_validator("items", mode="before")
    @classmethod
    def _plain(cls, value: object) -> object:
        """Take a text of lines, or objects with a text, for the list that is meant."""
        if isinstance(value, str):
            return [line.strip(" -*\t") for line in value.splitlines() if line.strip(" -*\t")]
        if isinstance(value, list):
            return [each.get("text", each) if isinstance(each, dict) else each for each in value]
        return value

    @field_validator("state", mode="before")
    @classmethod
    def _known(cls, value: object) -> object:
        word = value.strip().lower() if isinstance(value, str) else value
        return _SYNONYMS.get(word, word) if isinstance(word, str) else word


async def run(arguments: Arguments, call: Call) -> Result:
    before = await call.state.todos()
    after = changed(before, arguments)
    if after != before:
        await call.state.replace_todos(after)
        call.emit(TodoChanged(after))
    return Result(listed(after))


def changed(items: tuple[Todo, ...], arguments: Arguments) -> tuple[Todo, ...]:
    """Return the list after an action; ToolArgumentError when it cannot be done."""
    match arguments.action:
        case "show":
            return items
        case "clear":
            return ()
        case "set":
            return _bounded(_fresh(arguments.items, items))
        case "add":
            return _bounded((*items, *_fresh(arguments.items, ())))
        case "update":
            return _updated(items, arguments.number, arguments.state)


def _fresh(texts: list[str], known: tuple[Todo, ...]) -> tuple[Todo, ...]:
    """A step that stays on the list keeps its state."""
    if not texts:
        raise ToolArgumentError("items: give at least one step.")
    states = {item.text: item.state for item in known}
    shortened = [" ".join(text.split())[:MAX_LENGTH] for text in texts]
    return tuple(Todo(text, states.get(text, "open")) for text in shortened if text)


def _bounded(items: tuple[Todo, ...]) -> tuple[Todo, ...]:
    if len(items) > MAX_ITEMS:
        raise ToolArgumentError(f"items: the list holds at most {MAX_ITEMS} steps.")
    return items


def _updated(items: tuple[Todo, ...], number: int, state: str) -> tuple[Todo, ...]:
    if not 1 <= number <= len(items):
        raise ToolArgumentError(f"number: the list has items 1 to {len(items)}.")
    return tuple(
        replace(item, state=state) if place == number else item
        for place, item in enumerate(items, 1)
    )


def listed(items: tuple[Todo, ...]) -> str:
    """Return the list as text: "[x] 1. Read the log"."""
    if not items:
        return "The list is empty."
    return "\n".join(
        f"[{_MARKS[item.state]}] {number}. {item.text}" for number, item in enumerate(items, 1)
    )
