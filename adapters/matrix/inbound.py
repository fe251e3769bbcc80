"""Events of rooms as events of ours; pure.

An event comes decrypted, as a mapping; what it needs from elsewhere (the room,
who is who, the message it replies to) is handed in. Its own id is its key, so
that a redelivery is the same event, whatever sync it comes with.
"""

import html
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from adapters.matrix.files import FILES, Wire, attachments, mapping
from navi_bot.messages import (
    Address,
    ChatKind,
    Edited,
    Inbound,
    Left,
    Moved,
    Origin,
    Pressed,
    Quote,
    Returned,
    Said,
    Sender,
    Withdrawn,
)

PLATFORM = "matrix"

QUOTE_LIMIT = 1000
"""Characters of a quoted message that are passed on."""

_QUOTED_LINES = re.compile(r"(?:> .*(?:\n|$))+\n?")


@dataclass(frozen=True, slots=True)
class Me:
    """The bot's own account."""

    id: str
    name: str = ""
    """The display name."""

    @property
    def localpart(self) -> str:
        return self.id.partition(":")[0].removeprefix("@")


@dataclass(frozen=True, slots=True)
class Chat:
    """A room as its members see it. `names`: display names by user id."""

    id: str
    kind: ChatKind
    title: str
    encrypted: bool
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Context:
    """What an event refers to: the thread it belongs to, the message it replies to."""

    thread: str = ""
    quote: Quote | None = None


def is_message(event: Wire) -> bool:
    """Whether somebody says something (or edits what was said)."""
    return event.get("type") == "m.room.message" and bool(_content(event).get("msgtype"))


def replaced(event: Wire) -> str:
    """Return the id of the message that an edit changes, "" when it is none."""
    return _related(event, "m.replace")


def thread_root(event: Wire) -> str:
    """Return the root of the thread that an event says it is in, "" for the room itself."""
    return _related(event, "m.thread")


def replied(event: Wire) -> str:
    """Return the id of the message that an event truly replies to, "" for none."""
    relation = _relation(event)
    if relation.get("rel_type") == "m.thread" and relation.get("is_falling_back"):
        return ""
    return _id(relation.get("m.in_reply_to", {}))


def reaction(event: Wire) -> tuple[str, str]:
    """Return (message, sign) of a reaction, ("", "") when it is none."""
    relation = _relation(event)
    if event.get("type") != "m.reaction" or relation.get("rel_type") != "m.annotation":
        return "", ""
    key = relation.get("key")
    return (_id(relation), key) if isinstance(key, str) else ("", "")


def redacted(event: Wire) -> str:
    """Return the id of the event that a redaction takes back, "" when it is none."""
    if event.get("type") != "m.room.redaction":
        return ""
    target = event.get("redacts") or _content(event).get("redacts")
    return target if isinstance(target, str) else ""


def replacement(event: Wire) -> str:
    """Return the room that a tombstone points to, "" when it is none."""
    if event.get("type") != "m.room.tombstone" or event.get("state_key") != "":
        return ""
    new = _content(event).get("replacement_room")
    return new if isinstance(new, str) else ""


def predecessor(event: Wire) -> str:
    """Return the room that a new room says it replaces, "" for none."""
    if event.get("type") != "m.room.create":
        return ""
    old = mapping(_content(event).get("predecessor")).get("room_id")
    return old if isinstance(old, str) else ""


def origin(event: Wire, chat: Chat, me: Me, thread: str, now: datetime, about: str = "") -> Origin:
    """Return where an event comes from; `about`: the message that it is about, if not itself.

    The homeserver's clock tells old messages from new ones; it is never ahead of ours.
    """
    sender = str(event.get("sender", ""))
    event_id = str(event.get("event_id", ""))
    return Origin(
        key=event_id,
        address=Address(PLATFORM, me.id, chat.id, thread),
        chat_kind=chat.kind,
        sender=Sender(sender, chat.names.get(sender, "") or sender),
        message_id=about or event_id,
        sent_at=min(_time(event.get("origin_server_ts"), now), now),
        title=chat.title if chat.kind is ChatKind.GROUP else "",
    )


def message(event: Wire, chat: Chat, me: Me, context: Context, now: datetime) -> Inbound | None:
    """Return what was said, or edited; None for notices, which are what bots say."""
    edited = replaced(event)
    content = _content(event)
    if edited:
        content = mapping(content.get("m.new_content"))
    if content.get("msgtype") in ("m.notice", None) or str(event.get("sender", "")) == me.id:
        return None
    text = _text(content, me)
    where = origin(event, chat, me, context.thread, now, about=edited)
    if edited:
        return Edited(where, text)
    return Said(
        origin=where,
        text=text,
        attachments=attachments(content, str(event.get("event_id", ""))),
        quote=context.quote,
        addressed=_is_addressed(content, me, context.quote),
    )


def withdrawal(event: Wire, chat: Chat, me: Me, thread: str, now: datetime) -> Inbound:
    return Withdrawn(origin(event, chat, me, thread, now, about=redacted(event)))


def press(
    event: Wire, chat: Chat, me: Me, thread: str, now: datetime, about: str, data: str
) -> Inbound:
    """Return the press of a button by a reaction, or by a reply that repeats its sign."""
    where = origin(event, chat, me, thread, now, about=about)
    return Pressed(where, data, f"{chat.id} {where.key}", mute=True)


def membership(event: Wire, chat: Chat, me: Me, now: datetime) -> Inbound | None:
    """Return that we were put out, or left, or are back; None for others' comings and goings."""
    if event.get("type") != "m.room.member" or event.get("state_key") != me.id:
        return None
    where = origin(event, chat, me, "", now)
    match _content(event).get("membership"):
        case "leave" | "ban" as how:
            own = where.sender.id == me.id
            return Left(where, "left" if own else "banned" if how == "ban" else "kicked")
        case "join":
            return Returned(where)
    return None


def moved(event: Wire, chat: Chat, me: Me, now: datetime, new: str) -> Inbound:
    return Moved(origin(event, chat, me, "", now), new)


def quote_of(event: Wire, chat: Chat, me: Me) -> Quote:
    """Return a message as the quote of a reply to it."""
    sender = str(event.get("sender", ""))
    text = _without_quote(str(_content(event).get("body", "")))
    name = chat.names.get(sender, "") or sender
    return Quote(str(event.get("event_id", "")), name, text[:QUOTE_LIMIT], sender == me.id)


def _content(event: Wire) -> Wire:
    return mapping(event.get("content"))


def _relation(event: Wire) -> Wire:
    return mapping(_content(event).get("m.relates_to"))


def _related(event: Wire, kind: str) -> str:
    relation = _relation(event)
    return _id(relation) if relation.get("rel_type") == kind else ""


def _id(relation: Any) -> str:
    found = mapping(relation).get("event_id")
    return found if isinstance(found, str) else ""


def _time(milliseconds: Any, now: datetime) -> datetime:
    try:
        return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    except (TypeError, ValueError, OverflowError, OSError):
        return now


def _text(content: Wire, me: Me) -> str:
    """Return what was said, without the fallback of a reply and a leading mention of us."""
    kind, body = content.get("msgtype"), content.get("body")
    body = body if isinstance(body, str) else ""
    if kind == "m.location":
        return f"[location: {content.get('geo_uri', '')}]"
    if kind in FILES:
        name = content.get("filename")
        return body if isinstance(name, str) and name and name != body else ""
    text = _without_quote(body)
    names = "|".join(re.escape(name) for name in (me.name, me.localpart) if name)
    by_id, by_name = re.escape(me.id), rf"@?(?:{names})(?:[:,]\s*|\s+(?=[/!])|$)"
    mention = re.match(rf"{by_id}[:,]?\s*|{by_name}", text, re.I)
    text = text[mention.end() :] if mention else text
    return f"* {text}" if kind == "m.emote" else text


def _without_quote(body: str) -> str:
    """Cut what older clients put before a reply: the quoted lines."""
    if not body.startswith("> <") and not body.startswith("> * <"):
        return body
    match = _QUOTED_LINES.match(body)
    return body[match.end() :] if match else body


def _is_addressed(content: Wire, me: Me, quote: Quote | None) -> bool:
    """Whether a message mentions us or replies to us."""
    if quote is not None and quote.from_bot:
        return True
    listed = mapping(content.get("m.mentions")).get("user_ids")
    if isinstance(listed, list) and me.id in listed:
        return True
    body = str(content.get("body", ""))
    pill = f"https://matrix.to/#/{me.id}"
    if pill in html.unescape(str(content.get("formatted_body", ""))) or me.id in body:
        return True
    return bool(me.name) and re.match(rf"{re.escape(me.name)}[:,]", body, re.I) is not None
