"""Named notes of the session, for what must survive a long piece of work."""

import re
from collections.abc import Mapping
from typing import Literal

from pydantic import BaseModel, Field

from navi_bot.errors import ToolArgumentError
from navi_bot.ports.tools import Call, Effect, Result

name = "scratchpad"
description = (
    "Keep working notes in named sections (findings, errors, plan). "
    "Notes outlive a long conversation; what you only remember may be condensed."
)
effect = Effect.READ_OWN
timeout = 10.0
manual = """
action=write   replace the `section` by `text`
action=append  add `text` at the end of the `section`
action=read    read a `section`; without one, all of them
action=list    the sections and their sizes
action=clear   empty a `section`; without one, all of them

Section names are short words of letters, digits, - and _. A section holds up to 20,000
characters, the pad up to 40 sections.
"""

MAX_SECTION = 20_000
MAX_SECTIONS = 40
_NAME = re.compile(r"[\w-]{1,60}")


class Arguments(BaseModel):
    action: Literal["write", "append", "read", "list", "clear"] = Field(
        default="list", description="write, append, read, list or clear"
    )
    section: str = Field(default="", description="the section's name, e.g. findings")
    text: str = Field(default="", description="for write and append: the note")


async def run(arguments: Arguments, call: Call) -> Result:
    notes = await call.state.notes()
    section = _section(arguments)
    match arguments.action:
        case "list":
            return Result(_listed(notes))
        case "read":
            return _read(notes, section)
        case "clear":
            return await _cleared(notes, section, call)
        case "write" | "append":
            text = written(notes, section, arguments)
            await call.state.write_note(section, text)
            return Result(f"Section '{section}' now holds {len(text):,} characters.")


def written(notes: Mapping[str, str], section: str, arguments: Arguments) -> str:
    """Return the section's new text; ToolArgumentError when it does not fit.

    Appending what the section ends with already changes nothing, so that a
    call repeated after a crash leaves no double note.
    """
    old, new = notes.get(section, ""), arguments.text.strip()
    if not new:
        raise ToolArgumentError("text: give the note's text; to empty a section use clear.")
    if section not in notes and len(notes) >= MAX_SECTIONS:
        raise ToolArgumentError(f"section: the pad holds at most {MAX_SECTIONS} sections.")
    if arguments.action == "append" and old:
        new = old if _ends_with(old, new) else f"{old}\n{new}"
    if len(new) > MAX_SECTION:
        raise ToolArgumentError(f"text: a section holds at most {MAX_SECTION:,} characters.")
    return new


def _ends_with(old: str, new: str) -> bool:
    return old == new or old.endswith(f"\n{new}")


def _section(arguments: Arguments) -> str:
    section = arguments.section.strip().lower().replace(" ", "_")
    if not section and arguments.action in ("write", "append"):
        raise ToolArgumentError("section: name the section to write to.")
    if section and not _NAME.fullmatch(section):
        raise ToolArgumentError(f"section: '{section}' is no plain short word.")
    return section


def _listed(notes: Mapping[str, str]) -> str:
    if not notes:
        return "The pad is empty."
    return "\n".join(f"{section}: {len(text):,} characters" for section, text in notes.items())


def _read(notes: Mapping[str, str], section: str) -> Result:
    if not notes:
        return Result("The pad is empty.")
    if not section:
        return Result("\n\n".join(f"## {each}\n{text}" for each, text in notes.items()))
    if section not in notes:
        return Result(f"No section '{section}'; there are: {', '.join(notes)}.", ok=False)
    return Result(notes[section])


async def _cleared(notes: Mapping[str, str], section: str, call: Call) -> Result:
    for each in notes:
        if section in ("", each):
            await call.state.write_note(each, "")
    return Result(f"Section '{section}' is empty." if section else "The pad is empty.")
