"""Files in both directions, and their sizes."""

from typing import Any

import aiohttp
import pytest
from strict_telegram import Chat, File, Person, Server
from strict_telegram.acts import PHOTO, PIXEL
from telegram import Bot
from telegram.error import BadRequest, InvalidToken


async def test_a_persons_file_is_downloaded_as_it_was(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    given = File("notes.txt", b"milk, eggs", "text/plain")
    server.say(chat, ann, "shopping", document=given)
    (update,) = await bot.get_updates()
    assert update.message is not None
    document = update.message.document
    assert document is not None
    assert update.message.caption == "shopping"
    assert (document.file_name, document.mime_type, document.file_size) == (
        "notes.txt",
        "text/plain",
        10,
    )
    file = await document.get_file()
    assert bytes(await file.download_as_bytearray()) == b"milk, eggs"


async def test_photos_come_in_sizes_largest_last(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    server.say(chat, ann, "look", photo=PHOTO)
    (update,) = await bot.get_updates()
    assert update.message is not None
    sizes = update.message.photo
    assert len(sizes) == 2
    file = await sizes[-1].get_file()
    assert bytes(await file.download_as_bytearray()) == PIXEL


async def test_files_over_20_mb_cannot_be_fetched(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    """real-parts §3: getFile serves 20 MiB at most."""
    limit = 20 * 1024 * 1024
    for size, served in ((limit, True), (limit + 1, False)):
        server.say(chat, ann, document=File("big.bin", size=size))
        update = (await bot.get_updates(offset=-1))[0]
        assert update.message is not None
        assert update.message.document is not None
        if served:
            assert (await update.message.document.get_file()).file_size == size
        else:
            with pytest.raises(BadRequest, match="File is too big"):
                await update.message.document.get_file()


async def test_file_ids_must_be_known(raw: Any) -> None:
    assert (await raw("getFile")).description == "Bad Request: file_id not specified"
    assert (await raw("getFile", file_id="x")).description == "Bad Request: invalid file_id"


async def test_downloads_need_the_token_and_a_path_that_was_given(
    server: Server, chat: Chat, ann: Person, bot: Bot, session: aiohttp.ClientSession
) -> None:
    server.say(chat, ann, document=File("a.txt", b"secret"))
    (stored,) = server.world.files.values()
    url = f"{server.url}/file/bot{server.token}/{stored.path}"
    async with session.get(url) as response:
        assert response.status == 404
    await bot.get_file(stored.id)
    async with session.get(url) as response:
        assert await response.read() == b"secret"
    async with session.get(url.replace(server.token, "1:x")) as response:
        assert response.status == 401
    server.revoke_token()
    with pytest.raises(InvalidToken):
        await bot.get_file(stored.id)


async def test_a_sent_document_stands_in_the_chat(server: Server, chat: Chat, bot: Bot) -> None:
    message = await bot.send_document(
        5, b"# Answer", filename="answer.md", caption="<b>all</b>", parse_mode="HTML"
    )
    assert message.document is not None
    assert message.document.file_name == "answer.md"
    assert [entity.type for entity in message.caption_entities] == ["bold"]
    shown = server.last(chat)
    assert shown is not None
    assert shown.media is not None
    assert shown.media.stored.file.content == b"# Answer"
    again = await bot.send_document(5, message.document.file_id)
    assert again.document is not None
    assert again.document.file_id == message.document.file_id


async def test_a_sent_photo_has_sizes(chat: Chat, bot: Bot) -> None:
    message = await bot.send_photo(5, PIXEL)
    assert [(size.width, size.height) for size in message.photo][-1] == (1, 1)


@pytest.mark.parametrize(
    ("method", "upload", "caption", "problem"),
    [
        ("document", b"", "", "File must be non-empty"),
        ("document", b"x", "c" * 1025, "Message caption is too long"),
        ("document", b"x", "😀" * 600, "Media_caption_too_long"),
        ("photo", b"no picture", "", "Image_process_failed"),
        ("photo", PIXEL + bytes(10 * 1024 * 1024), "", "is too big for a photo"),
    ],
)
async def test_uploads_that_are_refused(
    chat: Chat, bot: Bot, method: str, upload: bytes, caption: str, problem: str
) -> None:
    """real-parts §3, platform §1.4: caption 1024, photo 10 MB."""
    send = bot.send_document if method == "document" else bot.send_photo
    with pytest.raises(BadRequest, match=f"(?i){problem}"):
        await send(5, upload, caption=caption, parse_mode=None)


async def test_calls_without_their_file(chat: Chat, raw: Any) -> None:
    missing = await raw("sendDocument", chat_id=5)
    assert missing.description == "Bad Request: there is no document in the request"
    unknown = await raw("sendPhoto", chat_id=5, photo="AgAD-unknown")
    assert unknown.description == "Bad Request: wrong file identifier/HTTP URL specified"


async def test_uploads_end_at_50_mb(
    server: Server, chat: Chat, session: aiohttp.ClientSession
) -> None:
    """platform §1.4: upload 50 MB."""
    form = aiohttp.FormData({"chat_id": "5"})
    form.add_field("document", bytes(50 * 1024 * 1024), filename="huge.bin")
    url = f"{server.url}/bot{server.token}/sendDocument"
    async with session.post(url, data=form) as response:
        assert response.status == 413
        assert (await response.json())["description"] == "Request Entity Too Large"


async def test_albums_come_as_messages_of_one_group(
    server: Server, chat: Chat, ann: Person, bot: Bot
) -> None:
    for name in ("a.png", "b.png"):
        server.say(chat, ann, "trip", photo=File(name, PIXEL, "image/png"), album="77")
    updates = await bot.get_updates()
    assert [update.message.media_group_id for update in updates if update.message] == ["77", "77"]
