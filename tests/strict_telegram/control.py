"""The server's methods over HTTP, for tests in other processes.

`POST /control/<operation>` with a JSON object of the method's arguments; the
answer is JSON. People, chats and topics are their ids, a message is
`{"chat": id, "id": id}`, a file `{"name", "content" (base64), "mime", "size"}`,
an action `{"kind": "Reset", "after": true}`. It has a port of its own, so that
it still answers while the server refuses connections.
"""

import base64
import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from aiohttp import web

from strict_telegram.faults import Action, Broken, Fault, Hang, Refuse, Reset, Slow, Throttle
from strict_telegram.history import Call
from strict_telegram.http import Overload
from strict_telegram.limits import Limits, Rate, Window
from strict_telegram.model import Chat, File, Message, Person, Press, Topic
from strict_telegram.server import Server

OPERATIONS = frozenset(
    [
        "person",
        "other_bot",
        "private_chat",
        "group",
        "channel",
        "topic",
        "say",
        "post",
        "edit",
        "delete",
        "press",
        "forge",
        "react",
        "inject",
        "block",
        "unblock",
        "deactivate",
        "kick",
        "add_bot",
        "promote",
        "delete_chat",
        "upgrade",
        "set_topic",
        "mute_bot",
        "visible_texts",
        "messages",
        "last",
        "calls",
        "typing",
        "presses",
        "flooded",
        "over_limits",
        "fault",
        "random_faults",
        "heal",
        "revoke_token",
        "set_limits",
        "punish",
        "set_load",
        "refuse_connections",
        "accept_connections",
    ]
)
_ACTIONS: Mapping[str, Callable[..., Action]] = {
    kind.__name__: kind for kind in (Throttle, Broken, Reset, Hang, Slow, Refuse)
}


class Control:
    """Serves one server's operations."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._faults: list[Fault] = []
        self.app = web.Application(client_max_size=64 * 1024 * 1024)
        self.app.router.add_post("/control/{operation}", self._serve)

    async def _serve(self, request: web.Request) -> web.Response:
        operation = request.match_info["operation"]
        body = await request.read()
        given = await request.json() if body else {}
        try:
            return web.json_response(await self._carry_out(operation, given))
        except (LookupError, TypeError, ValueError, AssertionError) as error:
            return web.json_response({"error": f"{type(error).__name__}: {error}"}, status=400)

    async def _carry_out(self, operation: str, given: Mapping[str, Any]) -> Any:
        if operation == "advance":
            self._server.world.clock.advance(float(given["seconds"]))
            return None
        if operation not in OPERATIONS:
            raise LookupError(f"No operation {operation!r}")
        names = {name: self._resolve(name, given) for name in given}
        result = getattr(self._server, operation)(**names)
        if inspect.isawaitable(result):
            result = await result
        if isinstance(result, Fault):
            self._faults.append(result)
            return {"fault": len(self._faults) - 1}
        return _encoded(result)

    def _resolve(self, name: str, given: Mapping[str, Any]) -> Any:
        value = given[name]
        if value is None:
            return None
        match name:
            case "chat" | "channel":
                return self._chat(value)
            case "person" | "creator" | "forward_from" if isinstance(value, int):
                return self._chat(value) if value < 0 else self._server.world.people[value]
            case "members":
                return [self._server.world.people[person] for person in value]
            case "message" | "reply_to":
                return self._chat(value["chat"]).messages[value["id"]]
            case "topic":
                return self._topic(value, given)
            case "photo" | "document":
                content = base64.b64decode(value.get("content", ""))
                return File(**{**value, "content": content})
            case "action":
                return _action(value)
            case "rates":
                return [(_action(action), rate) for action, rate in value]
            case "fault":
                return self._faults[value]
            case "limits" if isinstance(value, dict):
                return _limits(value)
            case "overload":
                return Overload(**value)
        return value

    def _chat(self, chat_id: int) -> Chat:
        return self._server.world.chats[chat_id]

    def _topic(self, topic_id: int, given: Mapping[str, Any]) -> Topic:
        if "chat" in given:
            return self._chat(given["chat"]).topics[topic_id]
        forums = (chat for chat in self._server.world.chats.values() if topic_id in chat.topics)
        return next(forums).topics[topic_id]


def _action(given: Mapping[str, Any]) -> Action:
    fields = {name: value for name, value in given.items() if name != "kind"}
    return _ACTIONS[given["kind"]](**fields)


def _limits(given: Mapping[str, Any]) -> Limits:
    rules: dict[str, Any] = dict(given)
    for name in ("chat", "group", "overall"):
        if isinstance(given.get(name), list):
            rules[name] = (Rate if len(given[name]) == 3 else Window)(*given[name])
    return Limits(**rules)


def _encoded(value: object) -> Any:
    match value:
        case Person():
            return {"person": value.id}
        case Chat():
            return {"chat": value.id, "kind": value.kind.value}
        case Topic():
            return {"topic": value.id}
        case Message():
            return _message(value)
        case Press():
            kept = ("id", "data", "at", "answered", "text", "alert")
            return {name: getattr(value, name) for name in kept} | {"person": value.person.id}
        case Call():
            return asdict(value) | {"result": None}
        case str():
            return value
        case Sequence():
            return [_encoded(item) for item in value]
    return value


def _message(message: Message) -> dict[str, Any]:
    return {
        "chat": message.chat.id,
        "id": message.id,
        "date": message.date,
        "text": message.text,
        "entities": list(message.entities),
        "buttons": message.buttons,
        "visible": message.visible,
        "deleted_at": message.deleted_at,
        "update_id": message.update_id,
        "topic": message.topic.id if message.topic else None,
        "versions": [{"at": one.at, "text": one.content.text} for one in message.versions],
    }
