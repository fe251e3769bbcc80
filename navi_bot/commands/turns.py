"""Commands about turns: stop, retry, continue, old messages."""

import asyncio
from dataclasses import replace
from itertools import groupby
from typing import Literal

from navi_bot.access import Who, may_stop
from navi_bot.command_text import command_of
from navi_bot.commands.table import Ask, Command, Desk, Reply, refuse, say
from navi_bot.events import Ending, StreamEnd, StreamFailed, StreamStopped
from navi_bot.live.closing import listed
from navi_bot.messages import Line, Page, Post, Role, Said, TurnId, least
from navi_bot.ports.records import ActiveTurn, TurnRequest, turn_key
from navi_bot.running import RunningTurn
from navi_bot.texts import commands as texts

NAME_SHOWN = 60
"""Characters of a name that we do not know."""

STOP_REPORT_WAIT = 0.6
"""Seconds that /stop waits for the turn's own account; its reply is due within 1 s."""


async def stop(ask: Ask, desk: Desk) -> Reply:
    """Stop the room's running turn and drop what waits; a button stops its own turn alone."""
    if ask.pressed:
        return await _stop_pressed(ask, desk)
    turn = ask.running or desk.running.in_room(ask.head.room)
    foreign = turn is not None and not _may_stop(ask, turn)
    if turn is None or foreign:
        turn = None
    else:
        turn.stop.stop(ask.origin.sender.name)
    everybodys = ask.role is Role.OWNER
    try:
        dropped = await desk.turns.drop_queued(ask.head.room, None if everybodys else ask.person)
    finally:
        desk.running.release(ask.head.room)
    beginning = _stop_beginning(ask, desk, turn, dropped)
    ending = await _ending_of(turn) if turn else None
    if isinstance(ending, StreamEnd | StreamFailed):  # it was over before it could be stopped
        turn = None
    lines = [texts.STOPPED()] if turn or beginning else []
    lines += _account(ending) if turn else []
    lines += [texts.STOP_NOT_YOURS()] if foreign else []
    lines += _queue(ask, dropped)
    return replace(say("\n".join(lines) or texts.NOTHING_TO_STOP()), also=_settled(ask, dropped))


async def _stop_pressed(ask: Ask, desk: Desk) -> Reply:
    wanted = _turn_of(ask)
    turn = ask.running or desk.running.in_room(ask.head.room)
    if turn and turn.turn == wanted:
        if not _may_stop(ask, turn):
            return refuse(ask, texts.STOP_NOT_YOURS())
        turn.stop.stop(ask.origin.sender.name)
        account = _account(await _ending_of(turn))
        return Reply(toast=" ".join((texts.STOPPED(), *account)))
    waiting = [one for one in ask.active if one.id == wanted and one.state == "queued"]
    if not waiting:  # its room shows the button of an answer that is over
        return refuse(ask, texts.NOTHING_TO_STOP())
    if not may_stop(ask.role, is_asker=waiting[0].asker == ask.person):
        return refuse(ask, texts.STOP_NOT_YOURS())
    if not await desk.turns.drop_one(waiting[0].id):
        desk.running.stop(ask.head.room, waiting[0].id, ask.origin.sender.name)
        return Reply(toast=texts.STOPPED())
    dropped = replace(waiting[0], begun=True)
    return Reply(toast=texts.STOPPED(), also=_settled(ask, (dropped,)))


def _may_stop(ask: Ask, turn: RunningTurn) -> bool:
    return may_stop(ask.role, is_asker=turn.asker_id == ask.origin.sender.id)


def _stop_beginning(
    ask: Ask, desk: Desk, stopped: RunningTurn | None, dropped: tuple[ActiveTurn, ...]
) -> bool:
    """Stop what has left the queue and does not run yet; answer whether there is such a turn."""
    over = {turn.id for turn in dropped} | ({stopped.turn} if stopped else set())
    beginning = [
        turn.id
        for turn in ask.active
        if turn.id not in over and may_stop(ask.role, is_asker=turn.asker == ask.person)
    ]
    for turn in beginning:
        desk.running.stop(ask.head.room, turn, ask.origin.sender.name)
    return bool(beginning)


async def _ending_of(turn: RunningTurn) -> Ending | None:
    """Return how a turn ends, stored or not; None when that is not known in time."""
    await asyncio.wait((turn.told,), timeout=STOP_REPORT_WAIT)
    return turn.told.result() if turn.told.done() else None


def _account(ending: Ending | None) -> list[str]:
    """Say what was cancelled, what had finished and what stays done."""
    if not isinstance(ending, StreamStopped):
        return []
    cancelled = listed(ending.cancelled) or texts.STOP_THE_ANSWER()
    lines = [texts.STOP_CANCELLED(names=cancelled)]
    if ending.finished:
        lines.append(texts.STOP_FINISHED(names=listed(ending.finished)))
    if ending.lasting:
        lines.append(texts.STOP_LASTING(names=listed(ending.lasting)))
    return lines


def _queue(ask: Ask, dropped: tuple[ActiveTurn, ...]) -> list[str]:
    """Say what became of the messages that waited."""
    over = {turn.id for turn in dropped}
    kept = [
        turn
        for turn in ask.active
        if turn.state == "queued" and turn.id not in over and turn.asker != ask.person
    ]
    lines = [texts.STOP_DROPPED(count=len(dropped))] if dropped else []
    return lines + ([texts.STOP_KEPT(count=len(kept))] if kept else [])


def _settled(ask: Ask, dropped: tuple[ActiveTurn, ...]) -> tuple[Post, ...]:
    """Close the live messages of turns that a restart had put back into the queue."""
    page = Page((Line(texts.STOPPED()),))
    return tuple(
        Post(replace(ask.head, key=turn_key(turn.id), reply_to=""), (page,))
        for turn in dropped
        if turn.begun
    )


def _turn_of(ask: Ask) -> TurnId | None:
    """Return the turn that a pressed button belongs to."""
    return TurnId(int(ask.arguments)) if ask.pressed and ask.arguments.isdecimal() else None


async def retry(ask: Ask, desk: Desk) -> Reply:
    """Ask the last question again."""
    return await _again(ask, desk, "retry", texts.RETRYING())


async def go_on(ask: Ask, desk: Desk) -> Reply:
    """Let the model go on where it was cut off."""
    return await _again(ask, desk, "continue", texts.CONTINUING())


async def _again(ask: Ask, desk: Desk, kind: Literal["retry", "continue"], toast: str) -> Reply:
    if ask.active:
        return refuse(ask, texts.BUSY())
    turn = await desk.turns.again(
        ask.head.room, ask.person, kind, _turn_of(ask), ask.origin.sender.allowed
    )
    return refuse(ask, texts.NOTHING_TO_RETRY()) if turn is None else Reply(toast=toast)


async def use(ask: Ask, desk: Desk) -> Reply:
    """Use another model in this room and ask again: the button of an answer that had none."""
    turn, _, wanted = ask.arguments.partition(":")
    installed = await desk.model.installed()
    if wanted not in installed:
        known = ", ".join(installed) or "-"
        return refuse(ask, texts.NO_SUCH_MODEL(wanted=wanted[:NAME_SHOWN], known=known))
    if ask.active:
        return refuse(ask, texts.BUSY())
    settings = await desk.sessions.room_settings(ask.head.room)
    await desk.sessions.change_settings(ask.head.room, replace(settings, model=wanted))
    return await _again(replace(ask, arguments=turn), desk, "retry", texts.MODEL_SET(model=wanted))


async def answer_stale(ask: Ask, desk: Desk) -> Reply:
    """Answer messages that reached us too late, in order; those in own words as one."""
    first, _, last = ask.arguments.partition("-")
    if not (first.isdecimal() and last.isdecimal()):
        return refuse(ask, texts.NOTHING_TO_RETRY())
    old = await desk.inbox.between(ask.head.room, int(first), int(last), ask.person)
    said = [one for one in old if isinstance(one, Said) and command_of(one) is None]
    if not said:
        return refuse(ask, texts.NOTHING_TO_RETRY())
    for (forwarded_from, quote), part in groupby(said, lambda one: (one.forwarded_from, one.quote)):
        group = list(part)
        request = TurnRequest(
            text="\n\n".join(one.text for one in group if one.text),
            attachments=tuple(attachment for one in group for attachment in one.attachments),
            quote=quote,
            forwarded_from=forwarded_from,
            allowed=least(*(one.origin.sender.allowed for one in group)),
        )
        await desk.turns.begin(ask.head.room, ask.person, request, group[-1].origin)
    return Reply(say(texts.STALE_ANSWERING()).blocks, toast=texts.RETRYING(), replace=True)


async def drop_stale(_ask: Ask, _desk: Desk) -> Reply:
    """Leave messages that reached us too late alone."""
    return Reply(say(texts.STALE_DROPPED()).blocks, toast=texts.STALE_DROPPED(), replace=True)


COMMANDS = (
    Command("stop", Who.ANYONE, texts.HELP_STOP, stop),
    Command("retry", Who.ANYONE, texts.HELP_RETRY, retry),
    Command("continue", Who.ANYONE, texts.HELP_CONTINUE, go_on),
    Command("use", Who.OWNER_IN_GROUPS, texts.HELP_USE, use, hidden=True),
    Command("fresh", Who.ANYONE, texts.HELP_FRESH, answer_stale, hidden=True),
    Command("stale", Who.ANYONE, texts.HELP_STALE, drop_stale, hidden=True),
)
