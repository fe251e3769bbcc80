"""One Telegram bot account: who it is, its poll loop, its state.

The loop is our own because the library's confirms updates before anything
has kept them. Here the offset moves only after `accept` has returned; what
was not confirmed, Telegram delivers again, and the inbox knows it by its key.

    polling ── 409 ──► conflict: backoff 10 → 60 s, said once after 60 s
       │ ◄─ success ──┘
       ├─ network ───► backoff, growing up to 30 s
       ├─ no answer ─► new connections
       └─ 401 ───────► ends with CredentialError
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
import telegram
from telegram.error import TelegramError, TimedOut
from telegram.request import HTTPXRequest

from adapters.telegram import inbound
from adapters.telegram.errors import translate
from adapters.telegram.lookout import LookOut
from adapters.telegram.outbound import TelegramOutbound
from navi_bot.errors import (
    CredentialError,
    NaviError,
    PollConflict,
    StoreError,
    StoreUnavailable,
    Throttled,
)
from navi_bot.messages import Inbound
from navi_bot.ports.platform import Accept, Heed

log = structlog.get_logger()

PUBLIC_API = "https://api.telegram.org"
CALL_POOL = 16
POLL_POOL = 4
"""One poll at a time; a poll that was cut off may leave its connection stuck."""
CALL_TIMEOUT = 20.0
BACKOFF_GROWTH = 1.5
HEAD_START = 0.01
"""Seconds that the work on what came has before the next poll, making which takes a millisecond."""
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")


@dataclass(frozen=True, slots=True)
class Patience:
    """How long the poll loop waits, in seconds."""

    poll: int = 25
    """Asked of the server; it allows up to 50."""
    grace: float = 15.0
    """Beyond it until a poll counts as dead and the connections are rebuilt."""
    backoff: tuple[float, float] = (1.0, 30.0)
    conflict: tuple[float, float] = (10.0, 60.0)
    """First and last wait; a predecessor's poll lives up to 50."""
    silent: float = 60.0
    """Of conflict, before it is told."""


class TelegramAdapter:
    """Implements the Adapter port over python-telegram-bot's Bot."""

    platform = inbound.PLATFORM
    private_interval = 1.2
    group_interval = 3.5

    def __init__(
        self,
        token: str,
        api_url: str = PUBLIC_API,
        clock: Callable[[], float] = time.monotonic,
        *,
        commands: Mapping[str, str] | None = None,
        patience: Patience | None = None,
    ) -> None:
        """`commands`: name → help, for the platform's menu."""
        self._commands = commands or {}
        self._patience = patience or Patience()
        self._token = token
        self._api_url = api_url.rstrip("/")
        self._clock = clock
        self._bot: telegram.Bot | None = None
        self._me: telegram.User | None = None
        self._last_contact = 0.0
        self._trouble = ""
        self._conflict_since: float | None = None
        self._look_out = LookOut()
        self.outbound = TelegramOutbound()

    @property
    def account(self) -> str:
        return str(self._me.id) if self._me else ""

    @property
    def name(self) -> str:
        return self._me.username or "" if self._me else ""

    @property
    def last_contact(self) -> float:
        return self._last_contact

    @property
    def trouble(self) -> str:
        return self._trouble

    async def connect(self) -> None:
        """Learn who we are. Raises CredentialError or a PlatformError."""
        try:
            self._bot = await self._new_bot()
        except TelegramError as error:
            raise translate(error) from error
        self._me = self._bot.bot
        self.outbound.use(self._bot)
        if self._commands:
            await self.publish_commands(self._commands)

    async def _new_bot(self) -> telegram.Bot:
        """Make connections and learn who we are; one that fails leaves nothing open."""
        calls = HTTPXRequest(
            connection_pool_size=CALL_POOL, read_timeout=CALL_TIMEOUT, pool_timeout=5.0
        )
        polls = HTTPXRequest(connection_pool_size=POLL_POOL, read_timeout=CALL_TIMEOUT)
        bot = telegram.Bot(
            self._token,
            base_url=f"{self._api_url}/bot",
            base_file_url=f"{self._api_url}/file/bot",
            request=calls,
            get_updates_request=polls,
        )
        try:
            await bot.initialize()
        except TelegramError:
            await calls.shutdown()
            await polls.shutdown()
            raise
        return bot

    async def publish_commands(self, commands: Mapping[str, str]) -> None:
        """Fill the menu of commands: name → help. A failure is only logged."""
        if self._bot is None:
            return
        menu = [telegram.BotCommand(name, text[:256]) for name, text in commands.items()]
        try:
            await self._bot.set_my_commands(menu)
        except TelegramError as error:
            log.warning("menu_not_published", error=str(translate(error)))

    async def receive(self, accept: Accept, cursor: str) -> None:
        """Poll for ever; only a refused token ends it (CredentialError)."""
        async with self._look_out.receiving():
            await self._receive(accept)

    async def _receive(self, accept: Accept) -> None:
        offset: int | None = None
        first, last = self._patience.backoff
        backoff = first
        while True:
            try:
                async with self._look_out.polling(offset):
                    updates = await self._poll(offset)
                await self._hand_over(updates, accept)
            except CredentialError as error:
                self._trouble = str(error)
                raise
            except (NaviError, TimeoutError) as error:
                await asyncio.sleep(await self._wait_after(error, backoff))
                backoff = min(backoff * BACKOFF_GROWTH, last)
                continue
            backoff = first
            self._trouble = ""
            self._conflict_since = None
            if updates:
                offset = updates[-1].update_id + 1
                await asyncio.sleep(HEAD_START)

    async def look_out(self, heed: Heed) -> None:
        """Show `heed` what has come while earlier updates are still being taken in."""

        async def look(offset: int | None) -> Sequence[telegram.Update]:
            return await self._updates(offset, wait=0)

        async def show(updates: Sequence[telegram.Update]) -> None:
            await heed(self._events(updates))

        await self._look_out.run(look, show)

    async def _poll(self, offset: int | None) -> Sequence[telegram.Update]:
        async with asyncio.timeout(self._patience.poll + self._patience.grace):
            updates = await self._updates(offset, wait=self._patience.poll)
        self._last_contact = self._clock()
        return updates

    async def _updates(self, offset: int | None, wait: int) -> Sequence[telegram.Update]:
        assert self._bot is not None, "receive() is called after connect()"
        try:
            return await self._bot.get_updates(offset=offset, timeout=wait, allowed_updates=WANTED)
        except TimedOut as error:  # or no connection was free: one of a poll cut off is stuck
            raise TimeoutError from error
        except TelegramError as error:
            raise translate(error) from error

    async def _hand_over(self, updates: Sequence[telegram.Update], accept: Accept) -> None:
        if events := self._events(updates):
            self._look_out.takes_in(updates)
            await accept(events, "")
        self._look_out.has_taken_in()

    def _events(self, updates: Sequence[telegram.Update]) -> Sequence[Inbound]:
        events = [event for update in updates if (event := self._event(update)) is not None]
        return inbound.join_albums(events)

    def _event(self, update: telegram.Update) -> Inbound | None:
        assert self._me is not None, "receive() is called after connect()"
        try:
            return inbound.translate(update, self._me, datetime.now(UTC))
        except (AttributeError, KeyError, TypeError, ValueError) as error:
            log.error("update_not_understood", update=update.update_id, error=repr(error))
            return None

    async def _wait_after(self, error: Exception, backoff: float) -> float:
        """Note what is wrong; return how long to wait before the next poll."""
        match error:
            case PollConflict():
                return self._after_conflict(error)
            case Throttled():
                return error.retry_after + 0.5
            case StoreUnavailable() | StoreError():
                self._trouble = str(error)
                log.warning("updates_not_taken_in", error=str(error))
            case TimeoutError():
                self._note("Telegram does not answer; the connections are rebuilt.")
                await self._rebuilt()
            case _:
                self._note(str(error))
        return backoff

    def _after_conflict(self, error: PollConflict) -> float:
        now = self._clock()
        if self._conflict_since is None:
            self._conflict_since = now
        lasted = now - self._conflict_since
        if lasted >= self._patience.silent:
            self._note(f"{error} Stop the other program, or revoke the token with @BotFather.")
        first, last = self._patience.conflict
        return min(first + lasted, last)

    def _note(self, trouble: str) -> None:
        if trouble != self._trouble:
            log.warning("telegram_troubled", trouble=trouble)
        self._trouble = trouble

    async def _rebuilt(self) -> None:
        """Replace every connection (the old ones may hang for ever), if it can be done."""
        try:
            bot = await self._new_bot()
        except TelegramError as error:
            log.warning("connections_not_rebuilt", error=str(translate(error)))
            return
        old, self._bot = self._bot, bot
        self.outbound.use(bot)
        await self._close(old)

    async def close(self) -> None:
        await self._close(self._bot)

    async def _close(self, bot: telegram.Bot | None) -> None:
        if bot is None:
            return
        try:
            async with asyncio.timeout(2.0):
                await bot.shutdown()
        except (TelegramError, TimeoutError, RuntimeError) as error:
            log.debug("connections_not_closed", error=type(error).__name__)
