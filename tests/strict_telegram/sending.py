"""Methods that make messages, actions and drafts."""

from collections.abc import Mapping
from typing import Any

from strict_telegram import access, keyboards, markup, wire
from strict_telegram.access import Need
from strict_telegram.arguments import Arguments
from strict_telegram.errors import bad
from strict_telegram.markup import Text
from strict_telegram.model import Action, File, Kind, Media
from strict_telegram.pictures import picture_size
from strict_telegram.world import World

MAX_TEXT = 4096  # characters after parsing
MAX_CAPTION = 1024  # characters after parsing
MAX_PHOTO = 10 * 1024 * 1024  # bytes
ACTIONS = frozenset(
    [
        "cancel",
        "typing",
        "record_video",
        "upload_video",
        "record_audio",
        "record_voice",
        "upload_audio",
        "upload_voice",
        "upload_photo",
        "upload_document",
        "choose_sticker",
        "pick_up_location",
        "find_location",
        "record_video_note",
        "upload_video_note",
    ]
)


def text_of(arguments: Arguments) -> Text:
    """Return the parsed text of a call, which must not be empty."""
    raw = arguments.text("text")
    if not raw:
        raise bad("Message text is empty")
    return markup.parse(raw, arguments.text("parse_mode"), arguments.text("entities"))


def caption_of(arguments: Arguments) -> Text:
    """Return the parsed caption of a call; it may be empty."""
    mode, entities = arguments.text("parse_mode"), arguments.text("caption_entities")
    return markup.parse(arguments.text("caption"), mode, entities)


def known_people(world: World, content: Text) -> Text:
    """Drop mentions of people that the bot never met, as the real one does."""
    kept = tuple(
        entity
        for entity in content.entities
        if "user" not in entity or entity["user"]["id"] in world.people
    )
    return Text(content.text, kept)


def check_length(content: Text) -> None:
    """Refuse a text that is too long after parsing, or shows nothing.

    The server counts code points; the backend counts UTF-16 units.
    """
    if len(content.text) > MAX_TEXT:
        raise bad("Message is too long")
    if markup.is_blank(content.text):
        raise bad("Text must be non-empty")
    if markup.units(content.text) > MAX_TEXT:
        raise bad("MESSAGE_TOO_LONG")


def check_caption(content: Text) -> None:
    """Refuse a caption that is too long after parsing."""
    if len(content.text) > MAX_CAPTION:
        raise bad("Message caption is too long")
    if markup.units(content.text) > MAX_CAPTION:
        raise bad("MEDIA_CAPTION_TOO_LONG")


def send_message(world: World, arguments: Arguments) -> Mapping[str, Any]:
    return _send(world, arguments, "sendmessage", text_of(arguments), None)


def send_document(world: World, arguments: Arguments) -> Mapping[str, Any]:
    caption = caption_of(arguments)
    return _send(world, arguments, "senddocument", caption, _media(world, arguments, "document"))


def send_photo(world: World, arguments: Arguments) -> Mapping[str, Any]:
    caption = caption_of(arguments)
    return _send(world, arguments, "sendphoto", caption, _media(world, arguments, "photo"))


def _send(
    world: World, arguments: Arguments, method: str, content: Text, media: Media | None
) -> Mapping[str, Any]:
    keyboard = keyboards.read(arguments)
    place = access.chat(world, arguments, Need.WRITE)
    reply_to = access.replied(world, place, arguments)
    topic = access.topic(place, arguments, reply_to)
    if media is None:
        check_length(content)
    else:
        check_caption(content)
    access.admit(world, place, method, topic)
    silent = arguments.flag("disable_notification")
    message = world.add_message(
        place,
        None if place.kind is Kind.CHANNEL else world.bot,
        known_people(world, content),
        keyboard,
        sender_chat=place if place.kind is Kind.CHANNEL else None,
        media=media,
        reply_to=reply_to,
        topic=topic,
        silent=silent,
        outgoing=True,
    )
    return wire.message(world, message)


def _media(world: World, arguments: Arguments, kind: str) -> Media:
    given = arguments.text(kind)
    field = given.removeprefix("attach://") if given.startswith("attach://") else kind
    upload = arguments.uploads.get(field)
    if given and not given.startswith("attach://"):
        return _known_media(world, kind, given)
    if upload is None:
        raise bad(f"There is no {kind} in the request")
    if not upload.content:
        raise bad("File must be non-empty")
    file = File(upload.name, upload.content, upload.mime)
    if kind == "document":
        return Media(kind, world.store(file, "documents"))
    if len(upload.content) > MAX_PHOTO:
        raise bad(
            f"File of size {len(upload.content)} bytes is too big for a photo; "
            f"the maximum size is {MAX_PHOTO} bytes"
        )
    if (size := picture_size(upload.content)) is None:
        raise bad("IMAGE_PROCESS_FAILED")
    return Media(kind, world.store(file, "photos"), *size)


def _known_media(world: World, kind: str, file_id: str) -> Media:
    stored = world.files.get(file_id)
    if stored is None:
        raise bad("Wrong file identifier/HTTP URL specified")
    is_photo = stored.path.startswith("photos/")
    if is_photo != (kind == "photo"):
        shown = "Photo" if is_photo else "Document"
        raise bad(f"Can't use file of type {shown} as {kind.capitalize()}")
    return Media(kind, stored, *(picture_size(stored.file.content) or (0, 0)))


def send_chat_action(world: World, arguments: Arguments) -> bool:
    action = arguments.text("action").lower()
    if action not in ACTIONS:
        raise bad("Wrong parameter action in request")
    place = access.chat(world, arguments, Need.WRITE)
    topic = access.topic(place, arguments)
    access.admit(world, place, "sendchataction", topic)
    now = world.clock.now()
    world.actions.append(Action(place, action, now, topic.id if topic else None))
    world.changed.fire()
    return True


def send_message_draft(world: World, arguments: Arguments) -> bool:
    mode, entities = arguments.text("parse_mode"), arguments.text("entities")
    content = markup.parse(arguments.text("text"), mode, entities)
    place = access.chat(world, arguments, Need.WRITE)
    topic = access.topic(place, arguments)
    if place.kind is not Kind.PRIVATE:
        raise bad("TEXTDRAFT_PEER_INVALID")
    if not arguments.text("draft_id").lstrip("-").strip("0"):
        raise bad("TEXTDRAFT_ID_INVALID")
    if len(content.text) > MAX_TEXT:
        raise bad("Message is too long")
    access.admit(world, place, "sendmessagedraft", topic)
    draft = {"chat": place.id, "id": arguments.text("draft_id"), "text": content.text}
    world.drafts.append(draft | {"at": world.clock.now()})
    world.changed.fire()
    return True
