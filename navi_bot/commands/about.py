"""Commands about the bot: start, help, status, who I am to it."""

from navi_bot.access import Who, may_use
from navi_bot.commands.table import Ask, Command, Desk, Reply, say
from navi_bot.texts import commands as texts


async def start(ask: Ask, desk: Desk) -> Reply:
    """Greet, and say what can be done."""
    greeting = texts.GREETING(name=ask.origin.sender.name)
    return say(f"{greeting}\n\n{_list(ask, desk)}")


async def help_(ask: Ask, desk: Desk) -> Reply:
    """List the commands that this person may use here."""
    return say(f"{texts.HELP_INTRO()}\n\n{_list(ask, desk)}")


def _list(ask: Ask, desk: Desk) -> str:
    usable = (
        command
        for command in desk.commands().values()
        if not command.hidden and may_use(command.who, ask.role, ask.origin.chat_kind)
    )
    return "\n".join(f"/{command.name} - {command.help()}" for command in usable)


async def status(ask: Ask, desk: Desk) -> Reply:
    """Say how the room and the daemon are."""
    session = await desk.sessions.current(ask.head.room)
    settings = await desk.sessions.room_settings(ask.head.room)
    share = round(100 * session.context_tokens / desk.num_ctx) if desk.num_ctx else 0
    lines = [
        texts.STATUS_PROFILE(profile=session.profile_id),
        texts.STATUS_MODEL(model=settings.model or desk.profiles.model_of(session.profile_id)),
        texts.STATUS_CONTEXT(
            used=_thousands(session.context_tokens), window=_thousands(desk.num_ctx), share=share
        ),
        texts.STATUS_SESSION(count=session.message_count),
        _activity(ask, desk),
        *desk.status(),
    ]
    return say("\n".join(lines))


def _activity(ask: Ask, desk: Desk) -> str:
    running = desk.running.in_room(ask.head.room)
    waiting = [turn.asker for turn in ask.active if turn.state == "queued"]
    if running is None and not waiting:
        return texts.STATUS_IDLE()
    now = texts.STATUS_RUNNING(what=(running.doing if running else "") or texts.STATUS_STARTING())
    places = ", ".join(str(n) for n, asker in enumerate(waiting, 1) if asker == ask.person)
    line = f"{now} {texts.STATUS_WAITING(count=len(waiting))}" if waiting else now
    return f"{line} {texts.STATUS_PLACES(places=places)}" if places else line


def _thousands(tokens: int) -> str:
    return f"{tokens / 1000:.1f}k" if tokens >= 1000 else str(tokens)


async def whoami(ask: Ask, _desk: Desk) -> Reply:
    """Tell people their id and role, as the operator's settings name them."""
    sender = ask.origin.sender
    return say(texts.WHOAMI(who=f"{ask.head.address.platform}:{sender.id}", role=ask.role.value))


COMMANDS = (
    Command("start", Who.ANYONE, texts.HELP_START, start),
    Command("help", Who.ANYONE, texts.HELP_HELP, help_),
    Command("status", Who.ANYONE, texts.HELP_STATUS, status),
    Command("whoami", Who.ANYONE, texts.HELP_WHOAMI, whoami),
)
