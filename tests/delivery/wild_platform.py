"""A platform that carries a call out, or fails in any way that real ones do."""

from collections.abc import Sequence

from delivery.chat_model import ChatModel, Shown

from navi_bot.delivery.actions import Call, Delete, Edit, Send
from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    MarkupRefused,
    MessageGone,
    NaviError,
    NotSent,
    Refused,
    RoomGone,
    RoomMoved,
    Throttled,
    TooLong,
)
from navi_bot.messages import Head

OUTCOMES = (
    "accepted",
    "throttled",
    "unsent",
    "lost_before",
    "lost_after",
    "markup",
    "too_long",
    "refused",
    "credentials",
    "moved",
    "gone",
)

FAILURES: dict[str, type[NaviError]] = {
    "unsent": NotSent,
    "credentials": CredentialError,
    "lost_before": Ambiguous,
    "gone": RoomGone,
}
"""Failures that need nothing but their kind, and surely or maybe had no effect."""

REFUSALS: dict[str, type[Refused]] = {
    "refused": Refused,
    "markup": MarkupRefused,
    "too_long": TooLong,
}


class WildPlatform:
    """Three chats; a room's chat is its number modulo three."""

    def __init__(self, *, idempotent: bool, edit_limit: int) -> None:
        self.idempotent = idempotent
        self._edit_limit = edit_limit
        self.models: Sequence[ChatModel] = [ChatModel(idempotent) for _ in range(3)]
        self._successors: dict[str, str] = {}

    def model(self, head: Head) -> ChatModel:
        return self.models[head.room % 3]

    def answer(self, head: Head, chat: str, call: Call, outcome: str, seconds: float) -> str:
        """Carry a call to a chat out as `outcome` says; return the message id or raise."""
        if outcome in FAILURES:
            raise FAILURES[outcome](outcome)
        if outcome in REFUSALS and self._may_refuse(call, outcome):
            raise REFUSALS[outcome](outcome)
        match outcome:
            case "throttled":
                raise Throttled(outcome, seconds)
            case "moved":
                raise RoomMoved(outcome, self._successors.setdefault(chat, f"{chat}+"))
            case "lost_after":
                self.apply_in_vain(head, call)
                raise Ambiguous(outcome)
        return self._apply(head, call).id

    def apply_in_vain(self, head: Head, call: Call) -> None:
        """The call has its effect and nobody learns of it."""
        try:
            shown = self._apply(head, call)
        except MessageGone:
            return
        if isinstance(call, Edit):
            shown.known = False
        elif isinstance(call, Send) and not self.idempotent:
            shown.orphan = True

    def delete_by_person(self, choice: int) -> None:
        shown = [s for m in self.models for s in m.messages.values() if not s.deleted]
        if shown:
            shown[choice % len(shown)].deleted = True

    def forget_what_is_known(self) -> None:
        """The process that knew what the messages hold is gone."""
        for model in self.models:
            for shown in model.messages.values():
                shown.known = False

    def _may_refuse(self, call: Call, outcome: str) -> bool:
        """A platform that knows the transaction answers with its message."""
        if isinstance(call, Send) and self.idempotent:
            return all(call.transaction not in model.transactions for model in self.models)
        return outcome != "markup" or (not isinstance(call, Delete) and not call.plain)

    def _apply(self, head: Head, call: Call) -> Shown:
        model = self.model(head)
        match call:
            case Send():
                shown = model.send(head.key, call.number, call.page, call.transaction)
                shown.known = shown.known and call.content != ""
            case Edit():
                shown = model.edit(call.message_id, call.page, progress=call.progress)
                shown.known = True
                assert shown.progress_edits <= self._edit_limit + 1, "too many edits of a message"
            case Delete():
                model.delete(call.message_id)
                shown = model.messages[call.message_id]
        return shown
