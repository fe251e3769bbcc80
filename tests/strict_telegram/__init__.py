"""A strict Telegram Bot API server for tests, with TDLib's own parser inside.

It is no kinder than the real one: limits, refusals and their texts, the rules
of getUpdates and privacy mode are those of the Bot API server 10.0. In one
process:

    async with Server(limits="mild") as server:
        ann = server.person(5, "Ann")
        chat = server.private_chat(ann)
        server.say(chat, ann, "hello")          # the bot's next getUpdates has it
        message = await server.wait_for(lambda: server.last(chat))
        press = server.press(message, "Stop", ann)
        await server.wait_for(lambda: press.answered)
        assert server.visible_texts(chat) == ["…"]

The bot under test gets `server.url` (TELEGRAM_API_URL) and `server.token`.
With python-telegram-bot: `Bot(server.token, base_url=f"{server.url}/bot",
base_file_url=f"{server.url}/file/bot")`.

Stage (who and where; makes no update, but a topic's service message)
    person(id, name, username)   other_bot(id, name, username)
    private_chat(person, started=True)
    group(title, members, supergroup=, forum=, bot_admin=)   the first member is the creator
    channel(title)   topic(forum, name)
Acts (what people do)
    say(chat, person, text, reply_to=, topic=, photo=File, document=File, album=,
        forward_from=, anonymous=, linked=, age=) → Message; `update_id` None: privacy hid it
    post(channel, text)   edit(message, text)   delete(message)
    press(message, button text or data, person) → Press (answered, text, alert)
    forge(message, any data, person)   react(message, emoji, person)
    inject(kind, payload)   any update, unknown kinds too
Moderation
    block, unblock, deactivate (person); kick, add_bot, promote, delete_chat, mute_bot (chat)
    upgrade(group) → the supergroup   set_topic(topic, closed=, deleted=)
Watch (for checkers)
    visible_texts(chat)   messages(chat) → every version of each   last(chat)
    calls("edit*", chat) → Call(method, params, started, ended, status, outcome, applied, …)
    flooded()   over_limits("mild")   typing(chat)   presses()
    await wait_for(predicate, timeout)
Server (what goes wrong)
    fault(action, method="*", chat=, text=, nth=1, times=1, seconds=) → Fault
        actions: Throttle(n), Broken(502, after=), Reset(after=), Hang(after=),
        Slow(before, after), Refuse(code, text), TERMINATED (a 409); times=None: always.
        "*" leaves getUpdates alone; Hang() on "getUpdates" is a black-holed poll.
    random_faults(seed, [(action, rate), …])   heal()   revoke_token()
    refuse_connections() / accept_connections()   set_limits(…)   set_load(latency=, overload=)
    world.clock.advance(seconds) lets presses, updates and the right to delete expire.

Limits are "off", "mild" (refusals of 1 s), "harsh" (30 s, doubling for those
who do not wait), "cruel" (130 s), "sliding" (harsh, with windows instead of
buckets), or a `Limits`. `punish(chat or None, seconds)` opens a penalty without cause.

Telegram's backend is not public. Where only its existence is known, this
server takes the stricter reading: a press is answered once and within 15 s, a
text of more than 4096 UTF-16 units is refused even if it has fewer characters,
editing in a chat that blocked the bot fails like sending.
"""

from strict_telegram.faults import (
    TERMINATED,
    Broken,
    Fault,
    Hang,
    Refuse,
    Reset,
    Slow,
    Throttle,
)
from strict_telegram.http import Overload
from strict_telegram.limits import Limits, Rate, Window
from strict_telegram.model import Chat, File, Message, Person, Press, Topic
from strict_telegram.server import TOKEN, Server

__all__ = [
    "TERMINATED",
    "TOKEN",
    "Broken",
    "Chat",
    "Fault",
    "File",
    "Hang",
    "Limits",
    "Message",
    "Overload",
    "Person",
    "Press",
    "Rate",
    "Refuse",
    "Reset",
    "Server",
    "Slow",
    "Throttle",
    "Topic",
    "Window",
]
