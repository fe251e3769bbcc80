"""One verification under way, and how both sides of it are spoken to."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

from adapters.matrix.comparison import Comparison
from adapters.matrix.devices import ShownDevice
from adapters.matrix.homeserver import Homeserver
from adapters.matrix.sealing import Sealing
from adapters.matrix.verification_news import PREFIX


@dataclass(slots=True)
class Dialogue:
    """`room`: where the emoji are said; `in_room`: their client speaks there too."""

    who: str
    device: str
    transaction: str
    room: str
    in_room: bool
    began: float
    """Monotonic seconds."""
    comparison: Comparison | None = None
    shown: ShownDevice | None = None
    new: bool = False
    """We knew nothing of them."""
    vouched_for: bool = False
    """A device that we know has said that the emoji match."""


class Transport:
    """Speaks to clients, in rooms or from device to device, and to people."""

    def __init__(self, homeserver: Homeserver, sealing: Sealing) -> None:
        self._homeserver = homeserver
        self._sealing = sealing

    def chat(self, who: str, asked_in: str = "") -> str:
        """Return an encrypted chat with somebody (the one that they asked in); "" for none."""
        client = self._homeserver.client
        two = {who, self._homeserver.user_id}
        for room, known in client.rooms.items():
            is_fit = set(known.users) == two if not asked_in else room == asked_in
            if is_fit and room in self._sealing.known and self._sealing.is_encrypted(room):
                return str(room)
        return ""

    async def tell(self, dialogue: Dialogue, step: str, content: Mapping[str, Any]) -> None:
        """Send their client the next step."""
        kind = f"{PREFIX}{step}"
        if dialogue.in_room:
            relation = {"rel_type": "m.reference", "event_id": dialogue.transaction}
            related = {**content, "m.relates_to": relation}
            await self._sealing.send(dialogue.room, related, uuid4().hex, kind)
            return
        message = {**content, "transaction_id": dialogue.transaction}
        body = {"messages": {dialogue.who: {dialogue.device: message}}}
        path = f"/_matrix/client/v3/sendToDevice/{kind}/{uuid4().hex}"
        await self._homeserver.request("PUT", path, body)

    async def say(self, room: str, text: str) -> None:
        """Say something in a chat."""
        content = {"msgtype": "m.text", "body": text, "m.mentions": {}}
        await self._sealing.send(room, content, uuid4().hex)
