"""Methods that answer people without a message: presses, reactions, commands."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from strict_telegram import access
from strict_telegram.access import Need
from strict_telegram.arguments import Arguments
from strict_telegram.errors import QUERY_TOO_OLD, bad
from strict_telegram.world import World

MAX_ANSWER = 200  # characters of a press's answer
MAX_COMMANDS = 100
_COMMAND = re.compile(r"[a-z0-9_]{1,32}")
# Compared without the emoji variation selector, which clients send or leave out.
REACTIONS = frozenset(
    "👍👎❤🔥🥰👏😁🤔🤯😱🤬😢🎉🤩🤮💩🙏👌🕊🤡🥱🥴😍🐳🌚🌭💯🤣⚡🍌🏆💔🤨😐🍓"
    "🍾💋🖕😈😴😭🤓👻👀🎃🙈😇😨🤝✍🤗🫡🎅🎄☃💅🤪🗿🆒💘🙉🦄😘💊🙊😎👾🤷😡"
) | frozenset(
    [
        "\u2764\u200d\U0001f525",
        "\U0001f468\u200d\U0001f4bb",
        "\U0001f937\u200d\u2642",
        "\U0001f937\u200d\u2640",
    ]
)


def answer_callback_query(world: World, arguments: Arguments) -> bool:
    press = world.presses.get(arguments.text("callback_query_id"))
    if press is None or press.answered:
        raise bad(QUERY_TOO_OLD)
    if world.clock.now() - press.at > world.press_lifetime:
        raise bad(QUERY_TOO_OLD)
    text = arguments.text("text")
    if len(text) > MAX_ANSWER:
        raise bad("MESSAGE_TOO_LONG")
    press.answered = True
    press.text = text
    press.alert = arguments.flag("show_alert")
    world.changed.fire()
    return True


def set_message_reaction(world: World, arguments: Arguments) -> bool:
    given = arguments.json("reaction", "Can't parse reaction types JSON object") or []
    if not isinstance(given, list):
        raise bad("Expected an Array of reaction types")
    if len(given) > 1:
        raise bad("REACTIONS_TOO_MANY")
    place = access.chat(world, arguments, Need.READ)
    message = access.message(place, arguments.message_id(), "message to react")
    emoji = _reaction(given[0]) if given else ""
    access.admit(world, place, "setmessagereaction")
    if emoji:
        message.reactions[world.bot.id] = emoji
    else:
        message.reactions.pop(world.bot.id, None)
    world.changed.fire()
    return True


def _reaction(given: object) -> str:
    if not isinstance(given, dict):
        raise bad("Can't parse reaction type: expected an Object")
    emoji = str(given.get("emoji", "")).replace("\ufe0f", "")
    if given.get("type") != "emoji" or emoji not in REACTIONS:
        raise bad("REACTION_INVALID")
    return str(given["emoji"])


def set_my_commands(world: World, arguments: Arguments) -> bool:
    given = arguments.json("commands", "Can't parse commands JSON object")
    if not isinstance(given, list):
        raise bad("Expected an Array of BotCommand")
    if len(given) > MAX_COMMANDS:
        raise bad("BOT_COMMANDS_TOO_MUCH")
    world.commands[_scope(arguments)] = [_command(item) for item in given]
    world.changed.fire()
    return True


def _command(item: object) -> Mapping[str, str]:
    if not isinstance(item, dict):
        raise bad("Can't parse BotCommand: expected an Object")
    name = str(item.get("command", "")).removeprefix("/")
    description = str(item.get("description", ""))
    if not name:
        raise bad("Command name must be non-empty")
    if not description:
        raise bad("Command description must be non-empty")
    if len(description) > 256:
        raise bad("Command description length must not exceed 256")
    if not _COMMAND.fullmatch(name):
        raise bad("BOT_COMMAND_INVALID")
    return {"command": name, "description": description}


def my_commands(world: World, arguments: Arguments) -> Sequence[Mapping[str, Any]]:
    return world.commands.get(_scope(arguments), [])


def delete_my_commands(world: World, arguments: Arguments) -> bool:
    world.commands.pop(_scope(arguments), None)
    return True


def _scope(arguments: Arguments) -> str:
    scope = arguments.json("scope", "Can't parse scope JSON object") or {"type": "default"}
    kept = {name: scope[name] for name in sorted(scope)}
    return json.dumps([kept, arguments.text("language_code")])
