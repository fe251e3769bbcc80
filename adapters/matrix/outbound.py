"""Pages as events of rooms. Errors translated, nothing retried.

A send carries the transaction that was stored for it, so the homeserver makes
one event of all its repeats; everything else may be repeated without harm.
"""

from uuid import uuid4

from adapters.matrix import buttons, media
from adapters.matrix.content import MatrixSurface, edit_of, file_of, message_of
from adapters.matrix.homeserver import Homeserver
from adapters.matrix.recent import Recent
from adapters.matrix.sealing import Sealing
from navi_bot.errors import MessageGone, NotSent, Refused, RoomGone
from navi_bot.messages import Address, Attachment, Page
from navi_bot.ports.platform import Surface

TYPING_FADES = 6_000
"""Milliseconds; it is renewed every 4.5 s while we work."""


class MatrixOutbound:
    """The calls of one account; implements the Outbound port."""

    idempotent = True
    surface: Surface

    def __init__(self, recent: Recent) -> None:
        self.surface = MatrixSurface()
        self._recent = recent
        self._connection: tuple[Homeserver, Sealing] | None = None

    def use(self, homeserver: Homeserver, sealing: Sealing) -> None:
        """Send over this connection from now on."""
        self._connection = (homeserver, sealing)

    @property
    def _homeserver(self) -> Homeserver:
        return self._connected[0]

    @property
    def _sealing(self) -> Sealing:
        return self._connected[1]

    @property
    def _connected(self) -> tuple[Homeserver, Sealing]:
        if self._connection is None:
            raise NotSent("The Matrix adapter is not connected yet.")
        return self._connection

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
        sealing = self._sealing
        if page.document is not None:
            sealed = sealing.is_encrypted(address.chat)
            file = await media.upload(self._homeserver, page.document, sealed=sealed)
            content = file_of(page, address, reply_to, file)
        else:
            content = message_of(
                page, address, reply_to=reply_to, silent=silent, plain=plain, final=final
            )
        event_id = await sealing.send(address.chat, content, transaction)
        self._recent.threads[event_id] = address.thread
        self._recent.buttons[event_id] = buttons.field(page.buttons)
        return event_id

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
        """Make a message show a page; one that was taken back stays so (MessageGone)."""
        if page.document is not None:
            return
        if message_id in self._recent.taken_back:
            raise MessageGone("The message was taken back.")
        content = edit_of(page, message_id, final=final, plain=plain)
        await self._sealing.send(address.chat, content, transaction)
        self._recent.buttons[message_id] = buttons.field(page.buttons)

    async def delete(self, address: Address, message_id: str) -> None:
        await self._redact(address.chat, message_id)

    async def react(self, address: Address, message_id: str, emoji: str) -> None:
        """Set our reaction in the place of the one before; "" takes it away."""
        if before := self._recent.reactions.pop(message_id):
            await self._redact(address.chat, before)
        if not emoji:
            return
        relation = {"rel_type": "m.annotation", "event_id": message_id, "key": emoji}
        self._recent.reactions[message_id] = await self._sealing.send_open(
            address.chat, "m.reaction", {"m.relates_to": relation}, str(uuid4())
        )

    async def show_typing(self, address: Address) -> None:
        homeserver = self._homeserver
        typing = homeserver.client.room_typing(address.chat, timeout=TYPING_FADES)
        await homeserver.answered(typing)

    async def acknowledge(self, press: str, text: str) -> None:
        """Do nothing: a reaction is answered by what it brings about.

        Words for one person cannot be shown in a room, and strangers get none.
        """

    async def fetch(self, attachment: Attachment, limit: int) -> bytes:
        """Download a file, its size checked before and while it comes."""
        return await media.fetch(self._homeserver, attachment, limit)

    async def _redact(self, room: str, event: str) -> None:
        homeserver = self._homeserver
        try:
            await homeserver.answered(homeserver.client.room_redact(room, event, tx_id=uuid4()))
        except RoomGone as error:  # the homeserver forbids this one thing
            raise Refused(str(error)) from error
