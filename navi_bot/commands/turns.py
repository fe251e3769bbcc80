"""Commands about turns: stop, retry, continue, old messages."""

import asyncio

from navi_bot.access import Who, may_stop
from navi_bot.commands.table import Ask, Command, Desk, Reply, say
from navi_bot.events import Ending, StreamStopped
from navi_bot.messages import Role, Said
from navi_bot.ports.records import TurnRequest
from navi_bot.running import RunningTurn
from navi_bot.texts import commands as texts

STOP_REPORT_WAIT = 1.0
"""Seconds that /stop waits for the turn's own account before it answers."""


async def stop(ask: Ask, desk: Desk) -> Reply:
    """Stop the room's running turn and drop what waits behind it."""
    turn = desk.running.in_room(ask.head.room) or desk.running.take_stopped(ask.head.room)
    if turn and not may_stop(ask.role, is_asker=turn.asker_id == ask.origin.sender.id):
        return say(texts.STOP_NOT_YOURS(), toast=texts.STOP_NOT_YOURS())
    if turn:
        turn.stop.stop(ask.origin.sender.name)
    everybodys = ask.role is Role.OWNER
    dropped = await desk.turns.drop_queued(ask.head.room, None if everybodys else ask.person)
    ending = await _ending_of(turn) if turn else None
    report = _stop_report(turn, ending, len(dropped))
    return Reply(toast=texts.STOPPED()) if ask.pressed and not dropped else say(report)


async def _ending_of(turn: RunningTurn) -> Ending | None:
    try:
        return await asyncio.wait_for(asyncio.shield(turn.ended), STOP_REPORT_WAIT)
    except TimeoutError:
        return None


def _stop_report(turn: RunningTurn | None, ending: Ending | None, dropped: int) -> str:
    if turn is None and not dropped:
        return texts.NOTHING_TO_STOP()
    lines = [texts.STOPPED()] if turn else []
    if isinstance(ending, StreamStopped):
        if ending.cancelled:
            lines.append(texts.STOP_CANCELLED(names=", ".join(ending.cancelled)))
        if ending.finished:
            lines.append(texts.STOP_FINISHED(names=", ".join(ending.finished)))
    if dropped:
        lines.append(texts.STOP_DROPPED(count=dropped))
    return "\n".join(lines)


async def retry(ask: Ask, desk: Desk) -> Reply:
    """Ask the last question again."""
    if desk.running.in_room(ask.head.room):
        return say(texts.BUSY(), toast=texts.BUSY())
    turn = await desk.turns.again(ask.head.room, ask.person, "retry")
    if turn is None:
        return say(texts.NOTHING_TO_RETRY(), toast=texts.NOTHING_TO_RETRY())
    return Reply(toast=texts.RETRYING())


async def go_on(ask: Ask, desk: Desk) -> Reply:
    """Let the model go on where it was cut off."""
    if desk.running.in_room(ask.head.room):
        return say(texts.BUSY(), toast=texts.BUSY())
    turn = await desk.turns.again(ask.head.room, ask.person, "continue")
    if turn is None:
        return say(texts.NOTHING_TO_RETRY(), toast=texts.NOTHING_TO_RETRY())
    return Reply(toast=texts.CONTINUING())


async def answer_stale(ask: Ask, desk: Desk) -> Reply:
    """Answer messages that reached us too late, as one question."""
    first, _, last = ask.arguments.partition("-")
    if not (first.isdigit() and last.isdigit()):
        return say(texts.NOTHING_TO_RETRY())
    old = await desk.inbox.between(ask.head.room, int(first), int(last), ask.person)
    said = [inbound for inbound in old if isinstance(inbound, Said)]
    if not said:
        return say(texts.NOTHING_TO_RETRY())
    request = TurnRequest(
        text="\n\n".join(one.text for one in said if one.text),
        attachments=tuple(attachment for one in said for attachment in one.attachments),
        quote=said[-1].quote,
        forwarded_from=said[-1].forwarded_from,
    )
    await desk.turns.begin(ask.head.room, ask.person, request, said[-1].origin)
    return Reply(say(texts.STALE_ANSWERING()).blocks, toast=texts.RETRYING(), replace=True)


async def drop_stale(_ask: Ask, _desk: Desk) -> Reply:
    """Leave messages that reached us too late alone."""
    return Reply(say(texts.STALE_DROPPED()).blocks, toast=texts.STALE_DROPPED(), replace=True)


COMMANDS = (
    Command("stop", Who.ANYONE, texts.HELP_STOP, stop),
    Command("retry", Who.ANYONE, texts.HELP_RETRY, retry),
    Command("continue", Who.ANYONE, texts.HELP_CONTINUE, go_on),
    Command("fresh", Who.ANYONE, texts.HELP_FRESH, answer_stale, hidden=True),
    Command("stale", Who.ANYONE, texts.HELP_FRESH, drop_stale, hidden=True),
)
