"""Values as JSON and back; pure.

What PostgreSQL cannot hold is replaced on the way in, so that no message can
break an insert: NUL and lone surrogates by U+FFFD (never dropped, so that no
forged id becomes another one's), numbers that JSON does not know by null.
Fields that a newer version wrote are ignored, missing ones take their defaults.
"""

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import Any, TypeVar, cast

from navi_bot.messages import (
    Address,
    Attachment,
    Block,
    Button,
    ChatKind,
    Document,
    Edited,
    Fold,
    Head,
    Inbound,
    Left,
    Line,
    Message,
    Moved,
    Origin,
    Page,
    PersonId,
    Pressed,
    Prose,
    Quote,
    Returned,
    RoomId,
    RoomSettings,
    Said,
    Sender,
    ToolCall,
    Unread,
    Withdrawn,
)
from navi_bot.ports.records import CalledBack, TurnRequest

Json = dict[str, Any]
T = TypeVar("T")

_INBOUND = {
    kind.__name__.lower(): kind
    for kind in (Said, Edited, Withdrawn, Pressed, Left, Returned, Moved, Unread)
}
_BLOCKS: dict[str, type[Block]] = {"prose": Prose, "line": Line, "fold": Fold}
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def clean(text: str) -> str:
    """Return a text that PostgreSQL takes: no NUL, no lone surrogates."""
    return _UNSTORABLE.sub("\ufffd", text)


def cleaned(value: Any) -> Any:
    """Return a JSON value with every text cleaned."""
    match value:
        case str():
            return clean(value)
        case Mapping():
            return {clean(str(key)): cleaned(item) for key, item in value.items()}
        case list() | tuple():
            return [cleaned(item) for item in value]
        case datetime():
            return value.isoformat()
        case float() if not math.isfinite(value):
            return None
    return value


def _known(kind: type[T], data: Mapping[str, Any]) -> Json:
    """Return the entries of a JSON object that a dataclass has fields for."""
    names = {field.name for field in fields(cast(Any, kind))}
    return {name: value for name, value in data.items() if name in names}


def dump_inbound(inbound: Inbound) -> Json:
    data = cast(Json, cleaned(asdict(inbound)))
    return {"type": type(inbound).__name__.lower(), **data}


def load_inbound(data: Mapping[str, Any]) -> Inbound:
    kind = _INBOUND[data["type"]]
    values = _known(kind, data)
    values["origin"] = _origin(data["origin"])
    if kind is Said:
        values["attachments"] = _attachments(data.get("attachments", ()))
        values["quote"] = _quote(data.get("quote"))
    return kind(**values)


def _origin(data: Mapping[str, Any]) -> Origin:
    values = _known(Origin, data)
    values["address"] = _address(data["address"])
    values["chat_kind"] = ChatKind(data["chat_kind"])
    values["sender"] = Sender(**_known(Sender, data["sender"]))
    values["sent_at"] = datetime.fromisoformat(data["sent_at"])
    return Origin(**values)


def _address(data: Mapping[str, Any]) -> Address:
    return Address(**_known(Address, data))


def _attachments(data: Sequence[Mapping[str, Any]]) -> tuple[Attachment, ...]:
    return tuple(Attachment(**_known(Attachment, one)) for one in data)


def _quote(data: Mapping[str, Any] | None) -> Quote | None:
    return Quote(**_known(Quote, data)) if data else None


def dump_request(request: TurnRequest) -> Json:
    return cast(Json, cleaned(asdict(request)))


def load_request(data: Mapping[str, Any]) -> TurnRequest:
    values = _known(TurnRequest, data)
    values["attachments"] = _attachments(data.get("attachments", ()))
    values["quote"] = _quote(data.get("quote"))
    called_back = data.get("called_back")
    values["called_back"] = CalledBack(**_known(CalledBack, called_back)) if called_back else None
    return TurnRequest(**values)


def dump_head(head: Head) -> Json:
    return cast(Json, cleaned(asdict(head)))


def load_head(data: Mapping[str, Any]) -> Head:
    values = _known(Head, data)
    values["address"] = _address(data["address"])
    values["room"] = RoomId(data["room"])
    return Head(**values)


def dump_page(page: Page) -> Json:
    blocks = [{"type": type(block).__name__.lower(), **asdict(block)} for block in page.blocks]
    data = {"blocks": blocks, "buttons": [[asdict(one) for one in row] for row in page.buttons]}
    if page.document is not None:
        data["document"] = cast(Any, asdict(page.document))
    return cast(Json, cleaned(data))


def load_page(data: Mapping[str, Any]) -> Page:
    document = data.get("document")
    return Page(
        blocks=tuple(_block(block) for block in data["blocks"]),
        buttons=load_buttons(data),
        document=Document(**_known(Document, document)) if document else None,
    )


def load_buttons(data: Mapping[str, Any]) -> tuple[tuple[Button, ...], ...]:
    return tuple(tuple(_button(one) for one in row) for row in data.get("buttons", ()))


def _block(data: Mapping[str, Any]) -> Block:
    kind = _BLOCKS[data["type"]]
    return kind(**_known(kind, data))


def _button(data: Mapping[str, Any]) -> Button:
    values = _known(Button, data)
    person = data.get("person")
    values["person"] = PersonId(person) if person is not None else None
    return Button(**values)


def dump_calls(calls: Sequence[ToolCall]) -> list[Json] | None:
    """Return tool calls as JSON, None when there are none."""
    return [cast(Json, cleaned(asdict(call))) for call in calls] or None


def load_calls(data: Sequence[Mapping[str, Any]] | None) -> tuple[ToolCall, ...]:
    return tuple(ToolCall(**_known(ToolCall, one)) for one in data or ())


def dump_message(message: Message) -> Json:
    return cast(Json, cleaned(asdict(message)))


def load_message(data: Mapping[str, Any]) -> Message:
    values = _known(Message, data)
    values["images"] = tuple(data.get("images", ()))
    values["tool_calls"] = load_calls(data.get("tool_calls"))
    created = data.get("created_at")
    values["created_at"] = datetime.fromisoformat(created) if created else None
    return Message(**values)


def dump_settings(settings: RoomSettings) -> Json:
    return cast(Json, cleaned(asdict(settings)))


def load_settings(data: Mapping[str, Any]) -> RoomSettings:
    return RoomSettings(**_known(RoomSettings, data))
