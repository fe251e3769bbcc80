"""One Telegram bot account: who it is, its poll loop, its state.

The loop is our own because the library's confirms updates before anything
has kept them. Here the offset moves only after `accept` has returned; what
was not confirmed, Telegram delivers again, and the inbox knows it by its key.
How it goes on after a poll is `Listening`'s to say; only a refused token ends it.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime

import structlog
import telegram
from telegram.error import TelegramError, TimedOut
from telegram.request import HTTPXRequest

from adapters.telegram import inbound
from adapters.telegram.errors import translate
from adapters.telegram.listening import Listening, Patience, Pause, Poll
from adapters.telegram.lookout import LookOut
from adapters.telegram.outbound import TelegramOutbound
from navi_bot.errors import CredentialError, NaviError, NotSent
from navi_bot.messages import Inbound
from navi_bot.ports.platform import Accept, Heed

log = structlog.get_logger()

PUBLIC_API = "https://api.telegram.org"
CALL_POOL = 16
POLL_POOL = 4
"""One poll at a time; a poll that was cut off may leave its connection stuck."""
CALL_TIMEOUT = 20.0
HEAD_START = 0.01
"""Seconds that the work on what came has before the next poll, making which takes a millisecond."""
WANTED = ("message", "edited_message", "callback_query", "my_chat_member")


class TelegramAdapter:
    """Implements the Adapter port over python-telegram-bot's Bot."""

    platform = inbound.PLATFORM
    private_interval = 1.2
    group_interval = 3.5
    late_interval = 0.0
    one_limit = False

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
        self._last_try = 0.0
        self._listening = Listening(self._patience)
        self._look_out = LookOut()
        self._said = ""
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
    def last_try(self) -> float:
        return self._last_try

    @property
    def trouble(self) -> str:
        return self._listening.trouble

    async def connect(self) -> None:
        """Learn who we are. Raises CredentialError or a PlatformError."""
        try:
            async with asyncio.timeout(self._patience.probe):
                self._bot = await self._new_bot()
        except TelegramError as error:
            raise translate(error) from error
        except TimeoutError as error:
            raise NotSent("Telegram does not answer.") from error
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
        except BaseException:
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
        listening = self._listening
        listening.begin()
        while True:
            try:
                async with self._look_out.polling(offset):
                    updates = await self._poll(offset, listening.next_poll())
                await self._hand_over(updates, accept)
            except CredentialError as error:
                listening.trouble = str(error)
                raise
            except (NaviError, TimeoutError) as error:
                await self._pause(listening.failed(error, self._clock()))
                continue
            listening.heard(empty=not updates)
            self._say()
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

    async def _pause(self, pause: Pause) -> None:
        self._say()
        while pause.anew and not await self._rebuilt():
            await self._rest(pause.seconds)
        await self._rest(pause.seconds)

    async def _rest(self, seconds: float) -> None:
        self._last_try = self._clock() + seconds
        await asyncio.sleep(seconds)

    def _say(self) -> None:
        """Log what is wrong, once, and that it is over."""
        trouble = self._listening.trouble
        if trouble and trouble != self._said:
            log.warning("telegram_troubled", trouble=trouble)
        elif self._said and not trouble:
            log.info("telegram_recovered")
        self._said = trouble

    async def _poll(self, offset: int | None, poll: Poll) -> Sequence[telegram.Update]:
        self._last_try = self._clock()
        async with asyncio.timeout(poll.deadline):
            updates = await self._updates(offset, wait=poll.ask)
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

    async def _rebuilt(self) -> bool:
        """Replace every connection (the old ones may hang for ever), if it can be done."""
        self._last_try = self._clock()
        try:
            async with asyncio.timeout(self._patience.probe):
                bot = await self._new_bot()
        except (TelegramError, TimeoutError) as error:
            log.debug("connections_not_rebuilt", error=type(error).__name__)
            return False
        old, self._bot = self._bot, bot
        self.outbound.use(bot)
        await self._close(old)
        return True

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
