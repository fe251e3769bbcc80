"""Carries out commands and everything else that ends in a reply.

A reply is stored together with the mark that its event is handled, and then
shown; its post key is the event's number, so that a repetition after a crash
finds the message it already made.
"""

from dataclasses import replace

import structlog

from navi_bot import decide
from navi_bot.access import may_use
from navi_bot.commands.table import Ask, Desk, Reply, say
from navi_bot.errors import NaviError
from navi_bot.messages import Button, ChatKind, Head, Inbound, Page, Post, Role, Said
from navi_bot.ports.delivery import Delivery
from navi_bot.ports.records import Accepted, Facts
from navi_bot.ports.store import Inbox, People
from navi_bot.texts import rooms as texts

log = structlog.get_logger()


class Replies:
    """One for the daemon; holds no state of its own."""

    def __init__(self, desk: Desk, people: People, delivery: Delivery) -> None:
        self._desk = desk
        self._inbox: Inbox = desk.inbox
        self._people = people
        self._delivery = delivery

    async def command(
        self, accepted: Accepted, inbound: Inbound, facts: Facts, do: decide.Do
    ) -> None:
        """Run a command and show what it answers."""
        head = self._head(accepted, inbound)
        reply = await self._reply(accepted, inbound, facts, do, head)
        if do.press:
            self._delivery.acknowledge(head.address, do.press, reply.toast)
        if reply.replace and facts.shown_post:
            head = replace(head, key=facts.shown_post, reply_to="")
        await self._answer(accepted, head, reply)

    async def _reply(
        self, accepted: Accepted, inbound: Inbound, facts: Facts, do: decide.Do, head: Head
    ) -> Reply:
        command = self._desk.commands()[do.command]
        if facts.person is None:
            return Reply(toast=texts.NOT_ALLOWED())
        if not may_use(command.who, facts.role, inbound.origin.chat_kind):
            refusal = texts.OWNER_ONLY(command=command.name)
            return Reply(toast=refusal) if do.press else say(refusal)
        ask = Ask(
            arguments=do.arguments,
            head=head,
            origin=inbound.origin,
            person=facts.person,
            role=facts.role,
            inbox=accepted.inbox,
            pressed=bool(do.press),
        )
        try:
            return await command.run(ask, self._desk)
        except NaviError as error:
            return say(str(error), toast=str(error)[:190])
        except Exception:
            log.exception("command_crashed", command=command.name)
            return say(texts.COMMAND_FAILED(command=command.name))

    async def tell(self, accepted: Accepted, inbound: Inbound, text: str) -> None:
        """Say one thing in answer to an event."""
        await self._answer(accepted, self._head(accepted, inbound), say(text))

    async def park(self, accepted: Accepted, inbound: Inbound, attempts: int) -> None:
        """Set an event aside that made the daemon crash, and tell its sender."""
        head = self._head(accepted, inbound)
        text = texts.POISON(attempts=attempts, number=accepted.inbox)
        post = Post(head, (Page(say(text).blocks),))
        await self._inbox.handled(accepted.inbox, (post,), parked=True)
        log.error("event_parked", inbox=accepted.inbox, room=accepted.room)
        self._delivery.show(post)

    async def admit(self, inbound: Inbound, decision: decide.Decision) -> Facts | None:
        """See to a stranger: the owner's link, or one pairing line. None: silence."""
        origin = inbound.origin
        platform, sender = origin.address.platform, origin.sender
        match decision:
            case decide.Claim(code):
                role = await self._people.redeem(code, platform, sender.id, sender.name)
                if role is None:
                    log.info("pairing_refused", platform=platform, who=sender.id)
                    return None
                log.info("owner_paired", platform=platform, who=sender.id)
            case decide.OfferPairing():
                offer = await self._people.offer(Role.MEMBER, platform, sender.id, sender.name)
                if offer is None:
                    return None
                log.info("pairing_offered", platform=platform, who=sender.id)
        return await self._inbox.facts(inbound)

    async def greet(self, accepted: Accepted, inbound: Inbound, decision: decide.Decision) -> None:
        """Say the one thing that a newcomer is told."""
        sender = inbound.origin.sender
        if isinstance(decision, decide.Claim):
            text = texts.WELCOME_OWNER(name=sender.name)
        else:
            text = texts.PAIRING(code=await self._code_of(inbound))
        await self.tell(accepted, inbound, text)

    async def _code_of(self, inbound: Inbound) -> str:
        origin = inbound.origin
        for pairing in await self._people.pending():
            if (pairing.platform, pairing.platform_id) == (
                origin.address.platform,
                origin.sender.id,
            ):
                return pairing.code
        return "-"

    async def ask_stale(self, old: list[tuple[Accepted, Said]]) -> None:
        """Ask in one line whether old messages still matter."""
        last_accepted, last = old[-1]
        time = last.origin.sent_at.strftime("%Y-%m-%d %H:%M UTC")
        many = len(old) > 1
        text = texts.STALE_MANY(count=len(old), time=time) if many else texts.STALE_ONE(time=time)
        span = f"{old[0][0].inbox}-{last_accepted.inbox}"
        buttons = (
            Button(texts.STALE_YES(), f"fresh:{span}", "success"),
            Button(texts.STALE_NO(), f"stale:{span}"),
        )
        for accepted, _said in old[:-1]:
            await self._inbox.handled(accepted.inbox)
        await self._answer(last_accepted, self._head(last_accepted, last), say(text, buttons))

    async def _answer(self, accepted: Accepted, head: Head, reply: Reply) -> None:
        posts = (Post(head, (Page(reply.blocks, reply.buttons),)),) if reply.blocks else ()
        await self._inbox.handled(accepted.inbox, posts)
        for post in posts:
            self._delivery.show(post)

    def _head(self, accepted: Accepted, inbound: Inbound) -> Head:
        origin = inbound.origin
        group = origin.chat_kind is ChatKind.GROUP
        return Head(
            key=f"reply:{accepted.inbox}",
            room=accepted.room,
            address=origin.address,
            reply_to=origin.message_id if group and isinstance(inbound, Said) else "",
            group=group,
        )
