"""Pages as Bot API calls. One request each, errors translated, nothing retried."""

from collections.abc import Awaitable
from typing import TypeVar

import telegram
from telegram.error import BadRequest, TelegramError

from adapters.telegram.entities import Rendered, units
from adapters.telegram.errors import NOT_MODIFIED, THREAD_GONE, translate
from adapters.telegram.markup import TelegramSurface, plain, render
from navi_bot.errors import NotSent, TooLong
from navi_bot.messages import Address, Attachment, Button, Page
from navi_bot.ports.platform import Surface

T = TypeVar("T")

CAPTION_LIMIT = 1024
"""UTF-16 units of a document's caption."""

TOAST_LIMIT = 200
"""Characters of the answer to a button press."""

_STYLES = {"danger": "danger", "success": "success"}


class TelegramOutbound:
    """The calls of one bot account; implements the Outbound port."""

    idempotent = False
    surface: Surface

    def __init__(self) -> None:
        self.surface = TelegramSurface()
        self._bot: telegram.Bot | None = None

    def use(self, bot: telegram.Bot) -> None:
        """Send with this bot from now on."""
        self._bot = bot

    @property
    def bot(self) -> telegram.Bot:
        if self._bot is None:
            raise NotSent("The Telegram adapter is not connected yet.")
        return self._bot

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
        """Send a page; a closed or deleted topic falls back to the chat itself."""
        try:
            return await self._send(address, page, reply_to, silent, plain)
        except BadRequest as error:
            lowered = error.message.lower()
            if address.thread and any(part in lowered for part in THREAD_GONE):
                whole = Address(address.platform, address.account, address.chat)
                return await _translated(self._send(whole, page, "", silent, plain))
            raise translate(error) from error
        except TelegramError as error:
            raise translate(error) from error

    async def _send(
        self, address: Address, page: Page, reply_to: str, silent: bool, unformatted: bool
    ) -> str:
        rendered = _rendered(page, unformatted)
        thread = int(address.thread) if address.thread else None
        reply = None
        if reply_to:
            reply = telegram.ReplyParameters(int(reply_to), allow_sending_without_reply=True)
        if page.document is not None:
            caption = rendered if units(rendered.text) <= CAPTION_LIMIT else Rendered("")
            sent = await self.bot.send_document(
                chat_id=int(address.chat),
                document=page.document.text.encode(),
                filename=page.document.name,
                caption=caption.text or None,
                caption_entities=_entities(caption),
                message_thread_id=thread,
                reply_parameters=reply,
                disable_notification=silent,
            )
            return str(sent.message_id)
        sent = await self.bot.send_message(
            chat_id=int(address.chat),
            text=rendered.text,
            entities=_entities(rendered),
            message_thread_id=thread,
            reply_parameters=reply,
            reply_markup=_keyboard(page),
            disable_notification=silent,
            link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
        )
        return str(sent.message_id)

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
        """Make a message show a page; being equal already is success."""
        if page.document is not None:
            return
        rendered = _rendered(page, plain)
        try:
            await self.bot.edit_message_text(
                chat_id=int(address.chat),
                message_id=int(message_id),
                text=rendered.text,
                entities=_entities(rendered),
                reply_markup=_keyboard(page),
                link_preview_options=telegram.LinkPreviewOptions(is_disabled=True),
            )
        except TelegramError as error:
            if NOT_MODIFIED not in error.message.lower():
                raise translate(error) from error

    async def delete(self, address: Address, message_id: str) -> None:
        call = self.bot.delete_message(chat_id=int(address.chat), message_id=int(message_id))
        await _translated(call)

    async def react(self, address: Address, message_id: str, emoji: str) -> None:
        call = self.bot.set_message_reaction(
            chat_id=int(address.chat), message_id=int(message_id), reaction=emoji or None
        )
        await _translated(call)

    async def show_typing(self, address: Address) -> None:
        thread = int(address.thread) if address.thread else None
        call = self.bot.send_chat_action(
            chat_id=int(address.chat), action="typing", message_thread_id=thread
        )
        await _translated(call)

    async def acknowledge(self, press: str, text: str) -> None:
        """Answer a press; one that is too old to be answered is let go."""
        try:
            await self.bot.answer_callback_query(press, text=text[:TOAST_LIMIT] or None)
        except TelegramError as error:
            if "query is too old" not in error.message.lower():
                raise translate(error) from error

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """Download a file, its size checked before and after."""
        if attachment.size is not None and attachment.size > limit:
            raise TooLong(f"{attachment.name} is larger than {limit // 1_000_000} MB.")
        file = await _translated(self.bot.get_file(attachment.ref))
        if file.file_size is not None and file.file_size > limit:
            raise TooLong(f"{attachment.name} is larger than {limit // 1_000_000} MB.")
        content = bytes(await _translated(file.download_as_bytearray()))
        if len(content) > limit:
            raise TooLong(f"{attachment.name} is larger than {limit // 1_000_000} MB.")
        return content


async def _translated(call: Awaitable[T]) -> T:
    try:
        return await call
    except TelegramError as error:
        raise translate(error) from error


def _rendered(page: Page, unformatted: bool) -> Rendered:
    return Rendered(plain(page), ()) if unformatted else render(page)


def _entities(rendered: Rendered) -> list[telegram.MessageEntity]:
    return [
        telegram.MessageEntity(
            entity.type,
            entity.offset,
            entity.length,
            url=entity.url or None,
            language=entity.language or None,
        )
        for entity in rendered.entities
    ]


def _keyboard(page: Page) -> telegram.InlineKeyboardMarkup | None:
    if not page.buttons:
        return None
    rows = [[_button(button) for button in row] for row in page.buttons]
    return telegram.InlineKeyboardMarkup(rows)


def _button(button: Button) -> telegram.InlineKeyboardButton:
    return telegram.InlineKeyboardButton(
        button.label, callback_data=button.data, style=_STYLES.get(button.style)
    )
