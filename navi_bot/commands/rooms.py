"""Commands about a room: profile, model, thinking, a new session, what it holds."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from navi_bot.access import Who
from navi_bot.commands.table import (
    Ask,
    Command,
    Desk,
    Reply,
    choices,
    marked,
    refuse,
    say,
    say_markdown,
)
from navi_bot.messages import ChatKind, Line, PersonId, RoomSettings
from navi_bot.ports.records import JournalledCall
from navi_bot.ports.tools import Tool
from navi_bot.texts import commands as texts

TITLE = 300
"""Characters of a call as its detail names it."""

NAME_SHOWN = 60
"""Characters of a name that a person typed and that we do not know."""

THINKING: dict[str, tuple[bool | None, bool]] = {
    "on": (True, True),
    "off": (False, True),
    "hide": (True, False),
    "auto": (None, True),
}
"""Choice → (whether the model thinks first, whether that is shown)."""


async def new(ask: Ask, desk: Desk) -> Reply:
    """Begin a new session; the old one stays in the history."""
    if ask.active:
        return refuse(ask, texts.BUSY())
    old = await desk.sessions.current(ask.head.room)
    await desk.sessions.new(ask.head.room, ask.person, old.profile_id)
    return say(texts.NEW_SESSION(count=old.message_count))


async def profile(ask: Ask, desk: Desk) -> Reply:
    """Show the profiles, or change to one, in the running turn too."""
    session = await desk.sessions.current(ask.head.room)
    summaries = {summary.id.lower(): summary for summary in desk.profiles.summaries()}
    current, toast = session.profile_id, ""
    if ask.arguments:
        wanted = summaries.get(ask.arguments.lower())
        if wanted is None:
            known = ", ".join(summary.id for summary in summaries.values())
            return refuse(ask, texts.NO_SUCH_PROFILE(wanted=_shortened(ask.arguments), known=known))
        await desk.sessions.set_profile(session.id, wanted.id)
        current, toast = wanted.id, texts.PROFILE_SET(name=wanted.name)
        if not ask.pressed:
            return say(toast)
    lines = [Line(texts.PROFILES(), "bold")]
    lines += [
        Line(marked(one.id == current, f"{one.id}: {one.description}"))
        for one in summaries.values()
    ]
    values = [(one.id, one.name) for one in summaries.values()]
    buttons = choices("profile", values, current, ask.person)
    return Reply(tuple(lines), buttons, toast, replace=ask.pressed)


async def model(ask: Ask, desk: Desk) -> Reply:
    """Show the installed models, or use one in this room; "default" undoes it."""
    settings = await desk.sessions.room_settings(ask.head.room)
    if ask.arguments.lower() == "default":
        settings = replace(settings, model=None)
        await desk.sessions.change_settings(ask.head.room, settings)
        return say(texts.MODEL_DEFAULT())
    installed = await desk.model.installed()
    toast = ""
    if ask.arguments:
        wanted = _among(ask.arguments, installed)
        if not wanted:
            known = ", ".join(installed) or "-"
            return refuse(ask, texts.NO_SUCH_MODEL(wanted=_shortened(ask.arguments), known=known))
        settings = replace(settings, model=wanted)
        await desk.sessions.change_settings(ask.head.room, settings)
        toast = texts.MODEL_SET(model=wanted)
        if not ask.pressed:
            return say(toast)
    session = await desk.sessions.current(ask.head.room)
    current = settings.model or desk.profiles.model_of(session.profile_id)
    lines = [Line(texts.MODELS(), "bold")]
    lines += [Line(marked(name == current, name)) for name in installed]
    buttons = choices("model", [(name, name) for name in installed], current, ask.person)
    return Reply(tuple(lines), buttons, toast, replace=ask.pressed)


def _among(wanted: str, installed: Sequence[str]) -> str:
    """Return the installed model that is meant, "" for none; a tag may be left out."""
    return next((name for name in (wanted, f"{wanted}:latest") if name in installed), "")


def _shortened(text: str) -> str:
    return text if len(text) <= NAME_SHOWN else f"{text[:NAME_SHOWN]}…"


async def think(ask: Ask, desk: Desk) -> Reply:
    """Say whether the model thinks first, and whether its thinking is shown."""
    settings = await desk.sessions.room_settings(ask.head.room)
    toast = ""
    if ask.arguments:
        wanted = ask.arguments.lower()
        if wanted not in THINKING:
            return refuse(ask, texts.THINK_USAGE())
        thinks, shown = THINKING[wanted]
        settings = replace(settings, think=thinks, show_thinking=shown)
        await desk.sessions.change_settings(ask.head.room, settings)
        toast = texts.THINK_SET(state=wanted)
    state = _thinking(settings)
    lines = tuple(Line(line) for line in texts.THINK_STATE(state=state).splitlines())
    buttons = choices("think", [(choice, choice) for choice in THINKING], state, ask.person)
    in_a_row = tuple(button for row in buttons for button in row)
    return Reply(lines, (in_a_row,), toast, replace=ask.pressed)


def _thinking(settings: RoomSettings) -> str:
    if settings.think is not False and not settings.show_thinking:
        return "hide"
    return {True: "on", False: "off", None: "auto"}[settings.think]


async def tools(ask: Ask, desk: Desk) -> Reply:
    """List the tools and what is wrong with those that were skipped, or show one's manual."""
    if ask.arguments:
        named = {tool.name.lower(): tool for tool in desk.tools()}.get(ask.arguments.lower())
        if named is None:
            known = ", ".join(tool.name for tool in desk.tools()) or "-"
            wanted = _shortened(ask.arguments)
            return refuse(ask, texts.NO_SUCH_TOOL(wanted=wanted, known=known))
        return say(named.told())
    lines = [_described(tool) for tool in desk.tools()]
    lines += [f"- ⚠ {problem}" for problem in desk.problems()]
    listed = "\n".join(lines) or texts.NO_TOOLS()
    return say_markdown(f"**{texts.TOOLS()}**\n\n{listed}")


def _described(tool: Tool) -> str:
    what = tool.description.strip().partition("\n")[0]
    return f"- `{tool.name}` ({tool.effect.value}): {what}"


async def notes(ask: Ask, desk: Desk) -> Reply:
    """Show the session's scratchpad."""
    sections = await desk.notes(ask.person, ask.head)
    if not sections:
        return say(texts.NO_NOTES())
    return say_markdown("\n\n".join(f"**{name}**\n\n{text}" for name, text in sections.items()))


async def usage(ask: Ask, desk: Desk) -> Reply:
    """Say what this room used today and in the last 30 days."""
    now = desk.now()
    report = texts.USAGE(zone=now.tzname() or "", **await _used(ask, desk, now, None))
    if ask.origin.chat_kind is ChatKind.GROUP:
        report += "\n" + texts.USAGE_YOURS(**await _used(ask, desk, now, ask.person))
    return say(report)


async def _used(
    ask: Ask, desk: Desk, now: datetime, person: PersonId | None
) -> dict[str, int | str]:
    today = await desk.sessions.usage(ask.head.room, _midnight(now), person)
    month = await desk.sessions.usage(ask.head.room, now - timedelta(days=30), person)
    return {
        "today_turns": today[0],
        "today_tokens": f"{today[1]:,}",
        "month_turns": month[0],
        "month_tokens": f"{month[1]:,}",
    }


async def detail(ask: Ask, desk: Desk) -> Reply:
    """List the tool calls of the last turn that made any, or show one in full."""
    calls = await desk.sessions.last_calls(ask.head.room)
    if not calls:
        return say(texts.NO_CALLS())
    number = int(ask.arguments) if ask.arguments.isascii() and ask.arguments.isdigit() else 0
    if ask.arguments and not 1 <= number <= len(calls):
        return refuse(ask, texts.NO_SUCH_CALL(count=len(calls)))
    if number:
        one = calls[number - 1]
        arguments = json.dumps(dict(one.call.arguments), ensure_ascii=False)
        title = f"{number}. {_mark(one)} {one.call.name} {arguments}"
        return Reply((Line(title[:TITLE], "bold"), Line(one.result or texts.NO_RESULT())))
    lines = [f"{n}. {_mark(one)} {one.call.name}" for n, one in enumerate(calls, 1)]
    return say("\n".join([texts.CALLS_HOW(), *lines]))


def _mark(call: JournalledCall) -> str:
    if call.result is None:
        return "⏹"
    return "✅" if call.ok else "❌"


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


COMMANDS = (
    Command("new", Who.OWNER_IN_GROUPS, texts.HELP_NEW, new),
    Command("profile", Who.OWNER_IN_GROUPS, texts.HELP_PROFILE, profile),
    Command("model", Who.OWNER_IN_GROUPS, texts.HELP_MODEL, model),
    Command("think", Who.OWNER_IN_GROUPS, texts.HELP_THINK, think),
    Command("tools", Who.ANYONE, texts.HELP_TOOLS, tools),
    Command("notes", Who.ANYONE, texts.HELP_NOTES, notes),
    Command("detail", Who.ANYONE, texts.HELP_DETAIL, detail),
    Command("usage", Who.ANYONE, texts.HELP_USAGE, usage),
)
