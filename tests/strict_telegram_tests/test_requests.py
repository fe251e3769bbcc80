"""Paths, tokens and bodies: what reaches a method at all."""

from typing import Any

import aiohttp
import pytest
from strict_telegram import Chat, Server
from telegram import Bot
from telegram.error import EndPointNotFound, InvalidToken


@pytest.mark.parametrize(
    ("token", "status", "description"),
    [
        ("0123:abc", 401, "Unauthorized: invalid token specified"),
        ("no-colon", 401, "Unauthorized: invalid token specified"),
        ("1:" + "a" * 79, 401, "Unauthorized: invalid token specified"),
        ("123456:AAsomeone-elses-token", 401, "Unauthorized"),
    ],
)
async def test_wrong_tokens_are_told_apart(
    server: Server, session: aiohttp.ClientSession, token: str, status: int, description: str
) -> None:
    """real-parts §3: a malformed token has a text of its own."""
    async with session.get(f"{server.url}/bot{token}/getMe") as response:
        assert response.status == status
        assert await response.json() == {
            "ok": False,
            "error_code": status,
            "description": description,
        }


async def test_revoked_token_is_401_for_every_method(server: Server, bot: Bot) -> None:
    """A token that worked stops working; PTB says InvalidToken."""
    server.revoke_token()
    with pytest.raises(InvalidToken):
        await bot.get_me()
    server.heal()
    assert (await bot.get_me()).id == bot.id


async def test_unknown_method_is_not_found(server: Server, bot: Bot, raw: Any) -> None:
    """real-parts §3: 404 with its own text; platform §1: PTB says EndPointNotFound."""
    answer = await raw("sendRichMessage", chat_id=5)
    assert (answer.status, answer.description) == (404, "Not Found: method not found")
    with pytest.raises(EndPointNotFound):
        await bot.do_api_request("setMyNameOfOtherKind")


async def test_bad_path_is_plain_not_found(server: Server, session: aiohttp.ClientSession) -> None:
    async with session.get(f"{server.url}/nothing/here") as response:
        assert (response.status, (await response.json())["description"]) == (404, "Not Found")


async def test_unknown_token_goes_before_unknown_method(
    server: Server, session: aiohttp.ClientSession
) -> None:
    async with session.get(f"{server.url}/bot1:x/nonsense") as response:
        assert response.status == 401


async def test_put_is_no_call(server: Server, session: aiohttp.ClientSession) -> None:
    async with session.put(f"{server.url}/bot{server.token}/getMe") as response:
        assert response.status == 405


@pytest.mark.parametrize("name", ["getMe", "getme", "GETME", "gEtMe"])
async def test_method_names_ignore_case(
    server: Server, session: aiohttp.ClientSession, name: str
) -> None:
    async with session.get(f"{server.url}/bot{server.token}/{name}") as response:
        assert (await response.json())["result"]["username"] == "navi_bot"


@pytest.mark.parametrize("how", ["query", "form", "multipart", "json", "json numbers as text"])
async def test_every_encoding_reaches_the_method(
    server: Server, session: aiohttp.ClientSession, chat: Chat, how: str
) -> None:
    """The real server takes query, form, multipart and JSON alike."""
    url = f"{server.url}/bot{server.token}/sendMessage"
    values = {"chat_id": "5", "text": "grüße & co", "disable_notification": "true"}
    multipart = aiohttp.FormData(values)
    multipart.add_field("unused", b"x", filename="x.bin")
    sent: dict[str, dict[str, Any]] = {
        "query": {"params": values},
        "form": {"data": values},
        "multipart": {"data": multipart},
        "json": {"json": {"chat_id": 5, "text": "grüße & co", "disable_notification": True}},
        "json numbers as text": {"json": values},
    }
    method = session.get if how == "query" else session.post
    async with method(url, **sent[how]) as response:
        body = await response.json()
    assert body["ok"], body
    assert body["result"]["text"] == "grüße & co"
    assert server.messages(chat)[0].silent


async def test_json_that_does_not_parse_is_refused(
    server: Server, session: aiohttp.ClientSession
) -> None:
    url = f"{server.url}/bot{server.token}/getMe"
    headers = {"Content-Type": "application/json"}
    async with session.post(url, data=b"{", headers=headers) as response:
        assert response.status == 400


async def test_refusals_have_the_documented_body(raw: Any) -> None:
    """real-parts §3: ok, error_code, description; HTTP status = error_code."""
    answer = await raw("sendMessage", text="x")
    assert answer.status == 400
    assert answer.body == {
        "ok": False,
        "error_code": 400,
        "description": "Bad Request: chat_id is empty",
    }


async def test_bot_learns_who_it_is(server: Server, bot: Bot) -> None:
    me = await bot.get_me()
    assert (me.id, me.is_bot, me.username) == (7100000001, True, "navi_bot")
    assert me.can_read_all_group_messages is False
