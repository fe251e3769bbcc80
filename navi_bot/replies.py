"""Carries out commands and everything else that ends in a reply.

A reply is stored together with the mark that its event is handled, and then
shown; its post key is the event's number, so that a repetition after a crash
finds the message it already made.
"""

from dataclasses import dataclass, replace
from functools import partial

import structlog

from navi_bot.access import may_use
from navi_bot.commands.table import Ask, Desk, Reply, refuse, say
from navi_bot.decisions import Claim, Do, OfferPairing
from navi_bot.errors import NaviError
from navi_bot.fault_points import reached
from navi_bot.live.items import BlockItem, Item, TextItem
from navi_bot.live.pager import Pager
from navi_bot.messages import (
    Button,
    ChatKind,
    Head,
    Inbound,
    Page,
    Post,
    Pressed,
    Prose,
    Role,
    Said,
)
from navi_bot.patience import BRIEF, while_away
from navi_bot.ports.delivery import Delivery
from navi_bot.ports.records import Accepted, Facts
from navi_bot.ports.store import Inbox, People
from navi_bot.running import RunningTurn
from navi_bot.texts import rooms as texts

log = structlog.get_logger()

PAGE_UNITS = 3500
"""UTF-16 units of text on one page of a reply; the smallest platform takes 4,096."""

TOAST_LENGTH = 190
"""Characters that a press is answered with; Telegram takes 200."""


@dataclass(frozen=True, slots=True)
class Taken:
    """An event that is stored, with what was known as it came.

    `running` is the turn that it was seen to stop.
    """

    accepted: Accepted
    inbound: Inbound
    facts: Facts
    running: RunningTurn | None = None

    def head(self) -> Head:
        """Return the identity of the reply; in groups it names what it answers."""
        origin = self.inbound.origin
        group = origin.chat_kind is ChatKind.GROUP
        return Head(
            key=f"reply:{self.accepted.inbox}",
            room=self.accepted.room,
            address=origin.address,
            reply_to=origin.message_id if group and isinstance(self.inbound, Said) else "",
            group=group,
        )


class Replies:
    """One for the daemon; holds no state of its own."""

    def __init__(self, desk: Desk, people: People, delivery: Delivery) -> None:
        self._desk = desk
        self._inbox: Inbox = desk.inbox
        self._people = people
        self._delivery = delivery

    async def command(self, taken: Taken, do: Do) -> None:
        """Run a command and show what it answers."""
        reply = await self._reply(taken, do)
        await reached("command_done")
        if do.press:
            address = taken.inbound.origin.address
            self._delivery.acknowledge(address, do.press, reply.toast[:TOAST_LENGTH])
        head = taken.head()
        if reply.replace and taken.facts.shown_post:
            head = replace(head, key=taken.facts.shown_post, reply_to="")
        await self._answer(taken, reply, head)

    async def _reply(self, taken: Taken, do: Do) -> Reply:
        command = self._desk.commands()[do.command]
        facts, origin = taken.facts, taken.inbound.origin
        assert facts.person is not None, "only people with rights get as far as a command"
        ask = Ask(
            arguments=do.arguments,
            head=taken.head(),
            origin=origin,
            person=facts.person,
            role=facts.role,
            pressed=bool(do.press),
            mute=isinstance(taken.inbound, Pressed) and taken.inbound.mute,
            active=facts.active,
            running=taken.running,
        )
        if command.hidden and not ask.pressed:
            return say(texts.UNKNOWN_COMMAND())
        if not may_use(command.who, facts.role, origin.chat_kind):
            return refuse(ask, texts.OWNER_ONLY(command=command.name))
        try:
            run = partial(command.run, ask, self._desk)
            return await while_away(run, BRIEF, endless=False)
        except NaviError as error:
            log.warning("command_failed", command=command.name, error=str(error))
            return refuse(ask, str(error))
        except Exception:
            log.exception("command_crashed", command=command.name)
            return refuse(ask, texts.COMMAND_FAILED(command=command.name))

    async def tell(self, taken: Taken, text: str) -> None:
        """Say one thing in answer to an event."""
        await self._answer(taken, say(text))

    async def park(self, taken: Taken, attempts: int) -> None:
        """Set an event aside that made the daemon crash, and tell its sender."""
        accepted = taken.accepted
        log.error("event_parked", inbox=accepted.inbox, room=accepted.room)
        text = texts.POISON(attempts=attempts, number=accepted.inbox)
        await self._answer(taken, say(text), parked=True)

    async def admit(self, inbound: Inbound, decision: Claim | OfferPairing) -> Facts | None:
        """See to a stranger: the owner's link, or one pairing line. None: silence."""
        origin = inbound.origin
        platform, sender = origin.address.platform, origin.sender
        match decision:
            case Claim(code):
                role = await self._people.redeem(code, platform, sender.id, sender.name)
                if role is None:
                    log.info("pairing_refused", platform=platform, who=sender.id)
                    return None
                log.info("owner_paired", platform=platform, who=sender.id)
            case OfferPairing():
                offer = await self._people.offer(Role.MEMBER, platform, sender.id, sender.name)
                if offer is None:
                    return None
                log.info("pairing_offered", platform=platform, who=sender.id)
        return await self._inbox.facts(inbound)

    async def greet(self, taken: Taken, decision: Claim | OfferPairing) -> None:
        """Say the one thing that a newcomer is told."""
        if isinstance(decision, Claim):
            await self.tell(taken, texts.WELCOME_OWNER(name=taken.inbound.origin.sender.name))
            return
        code = await self._code_of(taken.inbound)
        await self._answer(taken, say(texts.PAIRING(code=code)) if code else Reply())

    async def _code_of(self, inbound: Inbound) -> str:
        """Return the open code that somebody was given, "" when it is over."""
        origin = inbound.origin
        who = (origin.address.platform, origin.sender.id)
        pending = await self._people.pending()
        codes = [one.code for one in pending if (one.platform, one.platform_id) == who]
        return codes[-1] if codes else ""

    async def ask_stale(self, old: list[Taken]) -> None:
        """Ask in one line whether a person's old messages still matter."""
        last = old[-1]
        time = last.inbound.origin.sent_at.strftime("%Y-%m-%d %H:%M UTC")
        many = len(old) > 1
        text = texts.STALE_MANY(count=len(old), time=time) if many else texts.STALE_ONE(time=time)
        span = f"{old[0].accepted.inbox}-{last.accepted.inbox}"
        person = last.facts.person
        buttons = (
            Button(texts.STALE_YES(), f"fresh:{span}", "success", person),
            Button(texts.STALE_NO(), f"stale:{span}", person=person),
        )
        await self._answer(last, say(text, buttons))
        for taken in old[:-1]:
            await while_away(partial(self._inbox.handled, taken.accepted.inbox), BRIEF)

    async def _answer(
        self, taken: Taken, reply: Reply, head: Head | None = None, *, parked: bool = False
    ) -> None:
        own = (Post(head or taken.head(), pages_of(reply)),) if reply.blocks else ()
        posts = own + reply.also
        handled = partial(self._inbox.handled, taken.accepted.inbox, posts, parked=parked)
        await while_away(handled, BRIEF)
        await reached("reply_stored")
        for post in posts:
            self._delivery.show(post)


class _Modest:
    """A surface that every platform's pages are larger than."""

    def fits(self, page: Page) -> bool:
        text = "\n".join(_words(block) for block in page.blocks)
        return len(text.encode("utf-16-le", "surrogatepass")) // 2 <= PAGE_UNITS


def _words(block: object) -> str:
    match block:
        case Prose(markdown):
            return markdown
    return getattr(block, "text", "")


def pages_of(reply: Reply) -> tuple[Page, ...]:
    """Return a reply on as many pages as it needs, its buttons on the last."""
    items: list[Item] = [
        TextItem(block.markdown) if isinstance(block, Prose) else BlockItem(block)
        for block in reply.blocks
    ]
    return Pager(_Modest(), items).pages((), reply.buttons)
