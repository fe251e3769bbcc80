"""A strict platform in memory, on the loop's clock: latency, limits, scripted failures."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from delivery.chat_model import ChatModel, Shown
from strict_telegram.limits import SLIDING, Gate, Limits

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


METHODS = {
    "send": "sendmessage",
    "edit": "editmessagetext",
    "delete": "deletemessage",
    "react": "setmessagereaction",
    "typing": "sendchataction",
    "acknowledge": "answercallbackquery",
}


@dataclass(slots=True)
class Trip:
    """A call from its begin (`made.at`) to its answer."""

    made: Made
    group: bool
    counted: bool
    arrived: float
    wait: int
    """Seconds of patience that the limits asked for; 0: they took the call."""
    ended: float = 0.0

    def start_at(self, start: float) -> None:
        """Count all times from `start`."""
        self.made = replace(self.made, at=self.made.at - start)
        self.arrived, self.ended = self.arrived - start, self.ended - start


class AnySurface:
    def fits(self, page: Page) -> bool:
        return True


def text_of(page: Page) -> str:
    return "\n".join(getattr(b, "markdown", "") or getattr(b, "text", "") for b in page.blocks)


@dataclass
class LoopbackOutbound:
    """Implements the Outbound port. `travel` answers the seconds of one way."""

    idempotent: bool = False
    latency: float = 0.05
    travel: Callable[[], float] | None = None
    limits: Limits = SLIDING
    script: Script = lambda made: None
    surface: Surface = field(default_factory=AnySurface)
    calls: list[Made] = field(default_factory=list)
    trips: list[Trip] = field(default_factory=list)
    in_flight: int = 0
    most_in_flight: int = 0
    chats: dict[str, ChatModel] = field(default_factory=dict)
    gate: Gate = field(init=False)
    _ids: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gate = Gate(self.limits)

    @property
    def refusals(self) -> int:
        return sum(trip.wait > 0 for trip in self.trips)

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
            await asyncio.sleep(self._way())
            self.calls.append(made)
            trip = self._judged(made)
            answer = self.script(made)
            back = answer if isinstance(answer, float) else self._way()
            trip.ended = _now() + back
            if trip.wait:
                await asyncio.sleep(back)
                raise Throttled("Too many requests.", trip.wait)
            if isinstance(answer, NaviError):
                raise answer
            return back
        finally:
            self.in_flight -= 1

    def _way(self) -> float:
        return self.travel() if self.travel is not None else self.latency / 2

    def _judged(self, made: Made) -> Trip:
        group, method, now = made.chat.startswith("group"), METHODS[made.kind], _now()
        wait = self.gate.charge(method, self.number(made.chat), group, now)
        trip = Trip(made, group, self.limits.counts(method), now, wait)
        self.trips.append(trip)
        return trip

    def number(self, chat: str) -> int:
        """Return a chat's id at the gate."""
        return self._ids.setdefault(chat, len(self._ids) + 1)


@dataclass
class LoopbackAccount:
    outbound: LoopbackOutbound
    platform: str = "loop"
    account: str = "bot"
    private_interval: float = 1.2
    group_interval: float = 3.5
    late_interval: float = 0.0
    one_limit: bool = False


def _now() -> float:
    return asyncio.get_running_loop().time()
