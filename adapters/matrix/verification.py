"""Verification by emoji, driven from the chat.

    client: request ──► ready                     owners and members only
            start ────► accept
            key ──────► key, and the emoji said in an encrypted chat
            mac        "/verify yes" in that chat ──► mac, done: we know their device

A client asks in the room or from device to device; the emoji are said in an
encrypted chat in either case, for what a plain room shows the homeserver can
make up. Whoever confirms here can be whoever wrote from the device that is
compared, so it counts for us only of somebody new, or if a device answers that
we know already; to their client we are verified in any case. What is under way
is not kept over a restart: the client is told nothing, and asks anew.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable
from typing import Any

import nio
import structlog

from adapters.matrix import verification_news as news
from adapters.matrix.comparison import METHOD, Broken, Comparison, Party, State
from adapters.matrix.dialogue import Dialogue, Transport
from adapters.matrix.recent import Latest
from adapters.matrix.trust import Trust
from adapters.matrix.verification_news import News
from navi_bot.errors import NaviError
from navi_bot.messages import Role
from navi_bot.ports.platform import Rights
from navi_bot.texts import matrix as texts

log = structlog.get_logger()

LIFETIME = 600.0
"""Seconds from a request until it is given up, as the specification has it."""
WAITING = 100
"""Events that wait to be seen to; a client sends five."""

_REASONS = {
    "m.user": texts.VERIFY_CANCELLED,
    "m.timeout": texts.VERIFY_TIMEOUT,
    "m.mismatched_commitment": texts.VERIFY_COMMITMENT,
    "m.mismatched_sas": texts.VERIFY_MISMATCH,
    "m.key_mismatch": texts.VERIFY_KEYS,
    "m.unknown_method": texts.VERIFY_METHOD,
}


class Verifications:
    """`us`: our device, and the master key that has signed it."""

    def __init__(
        self,
        transport: Transport,
        us: Party,
        trust: Trust,
        rights: Rights,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport = transport
        self._us = us
        self._trust = trust
        self._rights = rights
        self._clock = clock
        self._news: asyncio.Queue[News] = asyncio.Queue(WAITING)
        self._seen: Latest[bool] = Latest()
        self._dialogues: dict[str, Dialogue] = {}
        """Those under way, by transaction."""

    def take(self, events: Iterable[nio.ToDeviceEvent]) -> None:
        """Take in what came from device to device."""
        for event in events:
            self._put(news.of_device(event))

    def takes(self, room: str, event: nio.Event) -> bool:
        """Take in an event of a room if it is about verification."""
        found = news.of_room(room, event)
        if found is None:
            return False
        if event.event_id not in self._seen:
            self._seen[event.event_id] = True
            self._put(found)
        return True

    async def follow(self) -> None:
        """See to what comes, and to what does not come in time, for ever."""
        while True:
            try:
                async with asyncio.timeout(self._patience()):
                    one = await self._news.get()
            except TimeoutError:
                await self._guarded(self._expire())
                continue
            await self._guarded(self._expire())
            await self._guarded(self._see_to(one))

    async def _guarded(self, work: Awaitable[None]) -> None:
        """See to one thing; what others send may be of any form, and breaks nothing else."""
        try:
            await work
        except NaviError as error:
            log.warning("verification_hampered", error=str(error))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.warning("verification_not_understood", error=repr(error))

    def _put(self, one: News) -> None:
        if self._news.full():
            log.warning("verification_event_left", who=one.sender)
        else:
            self._news.put_nowait(one)

    def _patience(self) -> float | None:
        ends = [one.began + LIFETIME for one in self._dialogues.values()]
        return max(0.0, min(ends) - self._clock()) if ends else None

    async def _expire(self) -> None:
        for one in list(self._dialogues.values()):
            if self._clock() - one.began >= LIFETIME:
                await self._break_off(one, "m.timeout")

    # What comes --------------------------------------------------------------------

    async def _see_to(self, one: News) -> None:
        if await self._rights.role(one.sender) not in (Role.OWNER, Role.MEMBER):
            log.info("verification_ignored", who=one.sender, kind=one.kind)
            return
        if one.kind == "answer":
            await self._answered(one)
            return
        dialogue = self._dialogues.get(one.transaction)
        if one.kind == "request" or (one.kind == "start" and dialogue is None and not one.room):
            dialogue = await self._opened(one)
        if dialogue is None or dialogue.who != one.sender:
            return
        try:
            await self._advance(dialogue, one)
        except Broken as broken:
            await self._break_off(dialogue, broken.code)

    async def _opened(self, one: News) -> Dialogue | None:
        """Begin a dialogue if there is an encrypted chat to have it in."""
        for earlier in [each for each in self._dialogues.values() if each.who == one.sender]:
            await self._break_off(earlier, "m.user", said=False)
        device = str(one.content.get("from_device", ""))
        if one.is_stale(time.time(), LIFETIME) or one.content.get("to", self._us.user) != (
            self._us.user
        ):
            return None
        room = self._transport.chat(one.sender, one.room)
        place, in_room = room or one.room, bool(one.room)
        opened = Dialogue(one.sender, device, one.transaction, place, in_room, self._clock())
        if not room:
            if one.room:
                await self._transport.say(one.room, texts.VERIFY_PLAIN())
            await self._transport.tell(opened, "cancel", cancellation("m.user"))
            return None
        self._dialogues[one.transaction] = opened
        return opened

    async def _advance(self, dialogue: Dialogue, one: News) -> None:
        tell, comparison = self._transport.tell, dialogue.comparison
        match one.kind:
            case "request":
                if METHOD not in (one.content.get("methods") or ()):
                    raise Broken("m.unknown_method")
                ready = {"from_device": self._us.device, "methods": [METHOD]}
                await tell(dialogue, "ready", ready)
            case "start" if comparison is None:
                dialogue.comparison = await self._begun(dialogue, one)
                await tell(dialogue, "accept", dialogue.comparison.start(one.content))
            case "key" if comparison is not None:
                await tell(dialogue, "key", comparison.key(one.content))
                shown = "   ".join(f"{picture} {name}" for picture, name in comparison.emoji)
                await self._transport.say(dialogue.room, texts.VERIFY_EMOJI(emoji=shown))
            case "mac" if comparison is not None:
                comparison.mac(one.content)
                await self._end_if_done(dialogue)
            case "cancel":
                await self._close(dialogue, str(one.content.get("code", "")))
            case "done":
                pass
            case _:
                raise Broken("m.unexpected_message")

    async def _begun(self, dialogue: Dialogue, one: News) -> Comparison:
        """Find out who it is that we compare with; their client must be the one that asked."""
        person = await self._trust.shown(dialogue.who, 0.0)
        device = person.device(id=dialogue.device)
        if device is None or one.content.get("from_device") != dialogue.device:
            raise Broken("m.invalid_message")
        dialogue.new = not self._trust.knows(dialogue.who)
        them = Party(dialogue.who, device.id, device.ed25519, person.master)
        dialogue.shown = device
        return Comparison(self._us, them, dialogue.transaction)

    async def _answered(self, one: News) -> None:
        """Take the person's word; without a comparison, tell how there comes to be one."""
        found = [each for each in self._dialogues.values() if each.who == one.sender]
        dialogue = next((each for each in found if each.room == one.room), None)
        comparison = dialogue.comparison if dialogue else None
        agreed = one.answer
        if dialogue is None or comparison is None or agreed is None or not one.encrypted:
            await self._transport.say(one.room, texts.VERIFY_HOW())
        elif not agreed:
            await self._break_off(dialogue, "m.mismatched_sas")
        elif comparison.state in (State.SHOWN, State.AWAITED):
            assert one.event is not None, "an answer is an event of a room"
            dialogue.vouched_for = await self._trust.is_known(one.event)
            await self._transport.tell(dialogue, "mac", comparison.agree())
            await self._end_if_done(dialogue)

    # Endings -----------------------------------------------------------------------

    async def _end_if_done(self, dialogue: Dialogue) -> None:
        comparison, device = dialogue.comparison, dialogue.shown
        if comparison is None or device is None or comparison.state is not State.DONE:
            return
        self._dialogues.pop(dialogue.transaction, None)
        await self._transport.tell(dialogue, "done", {})
        if dialogue.new or dialogue.vouched_for:
            self._trust.introduce(dialogue.who, device, comparison.vouched)
            await self._transport.say(dialogue.room, texts.VERIFY_DONE())
        else:
            log.info("device_not_vouched_for", who=dialogue.who, device=device.id)
            await self._transport.say(dialogue.room, texts.VERIFY_HALF())

    async def _break_off(self, dialogue: Dialogue, code: str, *, said: bool = True) -> None:
        """Tell their client that it is over, and why in the chat."""
        await self._transport.tell(dialogue, "cancel", cancellation(code))
        await self._close(dialogue, code, said=said)

    async def _close(self, dialogue: Dialogue, code: str, *, said: bool = True) -> None:
        self._dialogues.pop(dialogue.transaction, None)
        log.info("verification_ended", who=dialogue.who, code=code)
        if said:
            text = _REASONS.get(code, texts.VERIFY_BROKEN)
            await self._transport.say(dialogue.room, text())


def cancellation(code: str) -> dict[str, Any]:
    return {"code": code, "reason": code.removeprefix("m.").replace("_", " ")}
