"""What people saw, and what the bot asked for: questions for checkers."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import TypeVar

from strict_telegram.history import Call
from strict_telegram.http import Front
from strict_telegram.limits import Limits, Name, named
from strict_telegram.model import Chat, Message, Press
from strict_telegram.world import World

T = TypeVar("T")
LOOK_AGAIN = 0.05  # seconds between looks at what changes without a signal


class Watch:
    """Reads the platform's state. Nothing here changes it."""

    world: World
    front: Front

    def messages(self, chat: Chat, *, by_bot: bool = True) -> list[Message]:
        """Return a chat's messages, deleted ones too, oldest first.

        The bot's own, or with `by_bot=False` everyone's.
        """
        return [found for found in chat.messages.values() if found.outgoing or not by_bot]

    def visible_texts(self, chat: Chat, *, by_bot: bool = True) -> list[str]:
        """Return what stands in a chat now, oldest first."""
        return [m.text for m in self.messages(chat, by_bot=by_bot) if m.visible]

    def last(self, chat: Chat) -> Message | None:
        """Return the bot's newest visible message."""
        shown = [message for message in self.messages(chat) if message.visible]
        return shown[-1] if shown else None

    def calls(self, method: str = "*", chat: Chat | None = None) -> list[Call]:
        """Return the calls of a method pattern (any case), of one chat if given."""
        return self.front.history.of(method, chat.id if chat else None)

    def typing(self, chat: Chat) -> list[float]:
        """Return when chat actions were accepted, in the server clock's seconds."""
        return [action.at for action in self.world.actions if action.chat is chat]

    def presses(self) -> Sequence[Press]:
        """Return all presses, oldest first."""
        return list(self.world.presses.values())

    def flooded(self) -> list[Call]:
        """Return the calls that the limits refused."""
        return self.front.history.flooded()

    def over_limits(self, limits: Limits | Name = "mild") -> list[Call]:
        """Return the calls that limits would refuse, whatever the server's own are."""
        return self.front.history.over(named(limits))

    async def wait_for(
        self,
        predicate: Callable[[], T],
        timeout: float = 5.0,  # noqa: ASYNC109 - it raises with what was seen, so it keeps time itself
    ) -> T:
        """Wait until a predicate is true and return its value.

        Raises TimeoutError that tells the last calls.
        """
        deadline = time.monotonic() + timeout
        while not (found := predicate()):
            left = deadline - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"Not within {timeout} s. Last calls: {self._tail()}")
            await self.world.changed.wait(min(left, LOOK_AGAIN))
            await asyncio.sleep(0)
        return found

    def _tail(self) -> str:
        tail = self.front.history.calls[-8:]
        return "; ".join(f"{call.method} {call.outcome} {call.description}" for call in tail)
