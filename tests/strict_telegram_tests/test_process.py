"""The server in a process of its own, driven over HTTP."""

import base64

import pytest
from strict_telegram import TOKEN
from strict_telegram.remote import Remote, launched
from telegram import Bot, InlineKeyboardButton, InlineKeyboardMarkup
from telegram.error import NetworkError, RetryAfter


async def _strike(remote: Remote, bot: Bot) -> None:
    """Lose an answer, flood, wait, refuse connections; come back each time."""
    action = {"kind": "Reset", "after": True}
    fault = await remote.do("fault", action=action, method="sendMessage", times=None)
    with pytest.raises(NetworkError):
        await bot.send_message(5, "lost answer")
    await remote.do("heal", fault=fault["fault"])
    await bot.send_message(5, "third")
    with pytest.raises(RetryAfter):
        await bot.send_message(5, "fourth")
    assert len(await remote.do("flooded")) == 1
    await remote.do("advance", seconds=31)
    await bot.send_message(5, "fifth")
    await remote.do("refuse_connections")
    with pytest.raises(NetworkError):
        await bot.get_me()
    await remote.do("accept_connections")
    assert (await bot.get_me()).username == "navi_bot"


async def test_another_process_serves_the_same_world() -> None:
    """People act, the bot answers, faults strike: all over the controls."""
    async with launched("--limits", "harsh") as remote:
        await remote.do("person", person_id=5, name="Ann")
        await remote.do("private_chat", person=5)
        content = base64.b64encode(b"hello").decode()
        file = {"name": "a.txt", "content": content, "mime": "text/plain"}
        said = await remote.do("say", chat=5, person=5, text="look", document=file)
        assert said["update_id"]
        base = f"{remote.url}/bot"
        async with Bot(TOKEN, base_url=base, base_file_url=f"{remote.url}/file/bot") as bot:
            (update,) = await bot.get_updates()
            assert update.message is not None
            assert update.message.document is not None
            fetched = await (await update.message.document.get_file()).download_as_bytearray()
            assert bytes(fetched) == b"hello"
            stop = InlineKeyboardButton("Stop", callback_data="s")
            sent = await bot.send_message(5, "hi", reply_markup=InlineKeyboardMarkup([[stop]]))
            assert sent.text == "hi"
            message = await remote.do("last", chat=5)
            press = await remote.do("press", message=message, button="Stop", person=5)
            await bot.answer_callback_query(press["id"], "ok")
            assert (await remote.do("presses"))[0]["answered"] is True
            assert await remote.do("visible_texts", chat=5) == ["hi"]

            await _strike(remote, bot)
        assert await remote.do("visible_texts", chat=5) == ["hi", "lost answer", "third", "fifth"]
        calls = await remote.do("calls", method="sendMessage")
        assert [call["outcome"] for call in calls] == ["ok", "dropped", "ok", "refused", "ok"]
        with pytest.raises(LookupError, match="No operation"):
            await remote.do("world_domination")
