"""The queue of updates: kept until confirmed, at most 24 hours.

Pure: `now` is passed in. An offset confirms every update below it; a negative
one counts from the end and forgets what is before; one too far in the future
(an offset of another bot) is ignored, and everything is handed out again.
"""

import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

KINDS = (
    "message",
    "edited_message",
    "channel_post",
    "edited_channel_post",
    "business_connection",
    "business_message",
    "edited_business_message",
    "deleted_business_messages",
    "guest_message",
    "message_reaction",
    "message_reaction_count",
    "inline_query",
    "chosen_inline_result",
    "callback_query",
    "shipping_query",
    "pre_checkout_query",
    "purchased_paid_media",
    "poll",
    "poll_answer",
    "my_chat_member",
    "chat_member",
    "chat_join_request",
    "chat_boost",
    "removed_chat_boost",
    "managed_bot",
    "stopped_message_generation",
)
NOT_BY_DEFAULT = frozenset(["message_reaction", "message_reaction_count", "chat_member"])
DEFAULT = frozenset(KINDS) - NOT_BY_DEFAULT
LIFETIME = 86_400.0  # seconds an update is kept
PRESS_LIFETIME = 150.0  # seconds a callback query is kept
FUTURE = 10  # offsets further beyond the end than this are not believed
MAX_BYTES = 1 << 22  # of one batch


@dataclass(frozen=True, slots=True)
class Update:
    """One update as it is stored. `expires` is in monotonic seconds."""

    id: int
    kind: str
    payload: Mapping[str, Any]
    expires: float
    size: int

    @property
    def wire(self) -> dict[str, Any]:
        """The update's JSON object."""
        return {"update_id": self.id, self.kind: self.payload}


class UpdateQueue:
    """Updates of one bot, oldest first."""

    def __init__(self, first_id: int) -> None:
        self.next_id = first_id
        self.allowed = DEFAULT
        self._pending: deque[Update] = deque()

    @property
    def pending(self) -> tuple[Update, ...]:
        """What is stored now, expired ones included."""
        return tuple(self._pending)

    def allow(self, encoded: str) -> None:
        """Choose the kinds, as JSON; kept until chosen anew.

        Nothing or nonsense changes nothing; an empty list means the default.
        """
        try:
            kinds = json.loads(encoded) if encoded else None
        except ValueError:
            return
        if not isinstance(kinds, list) or not all(isinstance(kind, str) for kind in kinds):
            return
        known = frozenset(kind.lower() for kind in kinds) & frozenset(KINDS)
        self.allowed = known or DEFAULT

    def add(
        self, kind: str, payload: Mapping[str, Any], now: float, lifetime: float = LIFETIME
    ) -> int | None:
        """Store an update; None when its kind is not allowed now.

        Kinds that the server does not know are always stored: newer servers
        have them, and a client must bear them.
        """
        if kind in KINDS and kind not in self.allowed:
            return None
        size = 50 + len(json.dumps(payload))
        update = Update(self.next_id, kind, payload, now + lifetime, size)
        self.next_id += 1
        self._pending.append(update)
        return update.id

    def take(self, offset: int, limit: int, now: float) -> list[Update]:
        """Confirm what is below the offset; return at most `limit` of the rest."""
        head = self._pending[0].id if self._pending else self.next_id
        if offset < 0:
            offset = max(head, self.next_id + offset)
        if offset == 0 or offset > self.next_id + FUTURE:
            offset = head
        while self._pending and self._pending[0].id < offset:
            self._pending.popleft()
        if any(update.expires <= now for update in self._pending):
            self._pending = deque(update for update in self._pending if update.expires > now)
        batch: list[Update] = []
        left = MAX_BYTES
        for update in self._pending:
            left -= update.size
            if len(batch) >= limit or left <= 0:
                break
            batch.append(update)
        return batch

    def clear(self) -> None:
        """Forget everything that is stored."""
        self._pending.clear()
