"""Small calls beside the posts: reactions, answers to presses, remarks, typing. Best effort."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from navi_bot.errors import NaviError, NotSent, Throttled
from navi_bot.messages import Address, Line, Page
from navi_bot.ports.platform import Outbound

MOST_TRIES = 3
RETRY_WAIT = 1.0
"""Seconds before a small call is tried again; a press expires soon."""

TYPING_EVERY = 4.5
"""Seconds; the platforms let the typing action fade after 5."""

TYPING_AFTER = 0.03
"""Seconds until it is shown first; the call would hold up the one to the model."""


@dataclass(slots=True)
class Errand:
    """A reaction or an answer to a press. A later one of the same `topic` replaces it."""

    topic: str
    call: Callable[[], Awaitable[None]]
    tries: int = 0
    not_before: float = 0.0

    def failed(self, error: NaviError, now: float) -> bool:
        """Note a failure; whether to try again."""
        self.tries += 1
        self.not_before = now if isinstance(error, Throttled) else now + RETRY_WAIT
        return isinstance(error, NotSent) and self.tries < MOST_TRIES


def remark(outbound: Outbound, address: Address, text: str, token: str) -> Errand:
    """Return the errand of saying something that is stored nowhere."""

    async def say() -> None:
        page = Page(tuple(Line(line) for line in text.splitlines()))
        await outbound.send(address, page, transaction=token)

    return Errand(f"remark {token}", say)


@dataclass(slots=True)
class Typing:
    """A room where we work. `due`: when the typing action is to be shown next."""

    due: float

    def shown(self, now: float) -> None:
        """Something was shown in the room, typing or content."""
        self.due = now + TYPING_EVERY
