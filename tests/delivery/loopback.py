"""A strict platform in memory, on the loop's clock: latency, limits, scripted failures."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from delivery.chat_model import ChatModel, Shown

from navi_bot.errors import NaviError, Throttled
from navi_bot.messages import Address, Attachment, Page
from navi_bot.ports.platform import Surface

Script = Callable[["Made"], NaviError | float | None]
"""Answers an error to raise, seconds to take, or None for the usual course."""


@dataclass(frozen=True, slots=True)
class Made:
    """A call that reached the platform."""

    at: float
    kind: str
    chat: str
    text: str = ""
    plain: bool = False
    reply_to: str = ""
    silent: bool = False
    final: bool = False


@dataclass
class Limit:
    """A strict bucket: a call too many opens a penalty, calls during it lengthen it."""

    rate: float
    burst: float
    tokens: float
    at: float
    penalty: float
    blocked_until: float = 0.0

    def check(self, now: float) -> float:
        """Return the seconds to wait, 0.0 if the call is taken."""
        self.tokens = min(self.burst, self.tokens + (now - self.at) * self.rate)
        self.at = now
        if now < self.blocked_until - 1e-9:
            return self.blocked_until - now
        if self.tokens < 1 - 1e-9:
            self.blocked_until = now + self.penalty
            return self.penalty
        self.tokens -= 1
        return 0.0


class AnySurface:
    def fits(self, page: Page) -> bool:
        return True


def text_of(page: Page) -> str:
    return "\n".join(getattr(b, "markdown", "") or getattr(b, "text", "") for b in page.blocks)


@dataclass
class LoopbackOutbound:
    """Implements the Outbound port: 1 call/s a chat, burst 3; 20/min, burst 5 in groups."""

    idempotent: bool = False
    latency: float = 0.05
    penalty: float = 1.0
    limited: bool = True
    script: Script = lambda made: None
    surface: Surface = field(default_factory=AnySurface)
    calls: list[Made] = field(default_factory=list)
    refusals: int = 0
    in_flight: int = 0
    most_in_flight: int = 0
    chats: dict[str, ChatModel] = field(default_factory=dict)
    _limits: dict[str, Limit] = field(default_factory=dict)

    def model(self, chat: str) -> ChatModel:
        return self.chats.setdefault(chat, ChatModel(self.idempotent))

    def visible(self, chat: str) -> list[str]:
        return [text_of(s.page) for s in self.model(chat).messages.values() if not s.deleted]

    async def send(
        self,
        address: Address,
        page: Page,
        *,
        transaction: str,
        reply_to: str = "",
        silent: bool = False,
        plain: bool = False,
        final: bool = True,
    ) -> str:
        text = text_of(page)
        made = Made(_now(), "send", address.chat, text, plain, reply_to, silent, final)
        delay = await self._arrive(made)
        shown = self.model(address.chat).send("", 0, page, transaction)
        await asyncio.sleep(delay)
        return shown.id

    async def edit(
        self,
        address: Address,
        message_id: str,
        page: Page,
        *,
        transaction: str,
        final: bool,
        plain: bool = False,
    ) -> None:
        made = Made(_now(), "edit", address.chat, text_of(page), plain, final=final)
        delay = await self._arrive(made)
        self.model(address.chat).edit(message_id, page, progress=not final).known = True
        await asyncio.sleep(delay)

    async def delete(self, address: Address, message_id: str) -> None:
        delay = await self._arrive(Made(_now(), "delete", address.chat, message_id))
        self.model(address.chat).delete(message_id)
        await asyncio.sleep(delay)

    async def react(self, address: Address, message_id: str, emoji: str) -> None:
        await self._arrive(Made(_now(), "react", address.chat, emoji))

    async def show_typing(self, address: Address) -> None:
        await self._arrive(Made(_now(), "typing", address.chat))

    async def acknowledge(self, press: str, text: str) -> None:
        await self._arrive(Made(_now(), "acknowledge", "", text))

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        raise AssertionError("delivery never fetches")

    def forget_what_is_known(self) -> None:
        """The sender restarts: it cannot know what its messages hold."""
        for model in self.chats.values():
            for shown in model.messages.values():
                shown.known = False

    def of(self, kind: str, chat: str | None = None) -> list[Made]:
        return [c for c in self.calls if c.kind == kind and chat in (None, c.chat)]

    def last(self, chat: str) -> Shown:
        return list(self.model(chat).messages.values())[-1]

    async def _arrive(self, made: Made) -> float:
        """Let a call travel and be judged; return the seconds until its answer."""
        self.in_flight += 1
        self.most_in_flight = max(self.most_in_flight, self.in_flight)
        try:
            await asyncio.sleep(self.latency / 2)
            self.calls.append(made)
            self._check_limits(made)
            answer = self.script(made)
            if isinstance(answer, NaviError):
                raise answer
            return self.latency / 2 if answer is None else answer
        finally:
            self.in_flight -= 1

    def _check_limits(self, made: Made) -> None:
        if not self.limited or made.kind not in ("send", "edit", "delete"):
            return
        group = made.chat.startswith("group")
        fresh = Limit(20 / 60, 5, 5, _now(), self.penalty)
        private = Limit(1.0, 3, 3, _now(), self.penalty)
        limit = self._limits.setdefault(made.chat, fresh if group else private)
        overall = self._limits.setdefault("", Limit(30, 30, 30, _now(), self.penalty))
        wait = limit.check(_now()) or overall.check(_now())
        if wait:
            self.refusals += 1
            raise Throttled("Too many requests.", wait)


@dataclass
class LoopbackAccount:
    outbound: LoopbackOutbound
    platform: str = "loop"
    account: str = "bot"
    private_interval: float = 1.2
    group_interval: float = 3.5


def _now() -> float:
    return asyncio.get_running_loop().time()
