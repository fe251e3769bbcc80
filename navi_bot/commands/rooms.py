"""Commands about a room: profile, model, thinking, a new session, what it holds."""

from dataclasses import replace
from datetime import datetime, timedelta

from navi_bot.access import Who
from navi_bot.commands.table import Ask, Command, Desk, Reply, say, say_markdown
from navi_bot.errors import NaviError
from navi_bot.messages import Button, Line
from navi_bot.texts import commands as texts

DATA_LIMIT = 64
"""Bytes of a button's data (Telegram's limit)."""


async def new(ask: Ask, desk: Desk) -> Reply:
    """Begin a new session; the old one stays in the history."""
    if desk.running.in_room(ask.head.room):
        return say(texts.BUSY())
    old = await desk.sessions.current(ask.head.room)
    await desk.sessions.new(ask.head.room, ask.person, old.profile_id)
    return say(texts.NEW_SESSION(count=old.message_count))


async def profile(ask: Ask, desk: Desk) -> Reply:
    """Show the profiles, or change to one, in the running turn too."""
    session = await desk.sessions.current(ask.head.room)
    summaries = desk.profiles.summaries()
    current = session.profile_id
    wanted = ask.arguments.strip().lower()
    toast = ""
    if wanted:
        if wanted not in {summary.id for summary in summaries}:
            known = ", ".join(summary.id for summary in summaries)
            return say(texts.NO_SUCH_PROFILE(wanted=wanted, known=known))
        await desk.sessions.set_profile(session.id, wanted)
        current = wanted
        toast = texts.PROFILE_SET(name=next(s.name for s in summaries if s.id == wanted))
        if not ask.pressed:
            return say(toast)
    lines = [Line(texts.PROFILES(), "bold")]
    lines += [Line(_marked(s.id == current, f"{s.id}: {s.description}")) for s in summaries]
    buttons = tuple(
        (Button(_marked(s.id == current, s.name), f"profile:{s.id}"),) for s in summaries
    )
    return Reply(tuple(lines), buttons, toast, replace=ask.pressed)


def _marked(current: bool, text: str) -> str:
    return f"✓ {text}" if current else text


async def model(ask: Ask, desk: Desk) -> Reply:
    """Show the installed models, or use one in this room; "default" undoes it."""
    settings = await desk.sessions.room_settings(ask.head.room)
    session = await desk.sessions.current(ask.head.room)
    try:
        installed = await desk.model.installed()
    except NaviError as error:
        return say(str(error))
    wanted = ask.arguments.strip()
    toast = ""
    if wanted == "default":
        settings = replace(settings, model=None)
        await desk.sessions.change_settings(ask.head.room, settings)
        toast = texts.MODEL_DEFAULT()
    elif wanted:
        if wanted not in installed:
            return say(texts.NO_SUCH_MODEL(wanted=wanted, known=", ".join(installed) or "-"))
        settings = replace(settings, model=wanted)
        await desk.sessions.change_settings(ask.head.room, settings)
        toast = texts.MODEL_SET(model=wanted)
    if toast and not ask.pressed:
        return say(toast)
    current = settings.model or desk.profiles.model_of(session.profile_id)
    lines = [Line(texts.MODELS(), "bold")]
    lines += [Line(_marked(name == current, name)) for name in installed]
    buttons = tuple(
        (Button(_marked(name == current, name), f"model:{name}"),)
        for name in installed
        if len(f"model:{name}".encode()) <= DATA_LIMIT
    )
    return Reply(tuple(lines), buttons, toast, replace=ask.pressed)


async def think(ask: Ask, desk: Desk) -> Reply:
    """Say whether the model thinks first, and whether its thinking is shown."""
    choices: dict[str, tuple[bool | None, bool]] = {
        "on": (True, True),
        "off": (False, True),
        "hide": (True, False),
        "auto": (None, True),
    }
    settings = await desk.sessions.room_settings(ask.head.room)
    wanted = ask.arguments.strip().lower()
    toast = ""
    if wanted:
        if wanted not in choices:
            return say(texts.THINK_USAGE())
        thinks, shown = choices[wanted]
        settings = replace(settings, think=thinks, show_thinking=shown)
        await desk.sessions.change_settings(ask.head.room, settings)
        toast = texts.THINK_SET()
    state = {True: "on", False: "off", None: "auto"}[settings.think]
    if settings.think is not False and not settings.show_thinking:
        state = "hide"
    buttons = tuple(
        Button(_marked(choice == state, choice), f"think:{choice}") for choice in choices
    )
    lines = tuple(Line(line) for line in texts.THINK_STATE(state=state).splitlines())
    return Reply(lines, (buttons,), toast, replace=ask.pressed)


async def tools(_ask: Ask, desk: Desk) -> Reply:
    """List the tools and what is wrong with those that were skipped."""
    lines = [
        f"- `{tool.name}` ({tool.effect.value}): {tool.description.splitlines()[0]}"
        for tool in desk.tools()
    ]
    lines += [f"- ⚠ {problem}" for problem in desk.problems()]
    return say_markdown("\n".join([f"**{texts.TOOLS()}**", "", *lines]))


async def notes(ask: Ask, desk: Desk) -> Reply:
    """Show the session's scratchpad."""
    sections = await desk.notes(ask.person, ask.head)
    if not sections:
        return say(texts.NO_NOTES())
    return say_markdown("\n\n".join(f"**{name}**\n\n{text}" for name, text in sections.items()))


async def usage(ask: Ask, desk: Desk) -> Reply:
    """Say what this room used today and in the last 30 days."""
    now = desk.now()
    today = await desk.sessions.usage(ask.head.room, _midnight(now))
    month = await desk.sessions.usage(ask.head.room, now - timedelta(days=30))
    return say(
        texts.USAGE(
            today_turns=today[0],
            today_tokens=f"{today[1]:,}",
            month_turns=month[0],
            month_tokens=f"{month[1]:,}",
        )
    )


def _midnight(now: datetime) -> datetime:
    return now.replace(hour=0, minute=0, second=0, microsecond=0)


COMMANDS = (
    Command("new", Who.OWNER_IN_GROUPS, texts.HELP_NEW, new),
    Command("profile", Who.OWNER_IN_GROUPS, texts.HELP_PROFILE, profile),
    Command("model", Who.OWNER_IN_GROUPS, texts.HELP_MODEL, model),
    Command("think", Who.OWNER_IN_GROUPS, texts.HELP_THINK, think),
    Command("tools", Who.ANYONE, texts.HELP_TOOLS, tools),
    Command("notes", Who.ANYONE, texts.HELP_NOTES, notes),
    Command("usage", Who.ANYONE, texts.HELP_USAGE, usage),
)
