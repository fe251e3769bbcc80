"""The table of methods. What is not here is "method not found"."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from strict_telegram import answers, chats, editing, sending
from strict_telegram.arguments import Arguments
from strict_telegram.polling import Polling
from strict_telegram.world import World

Method = Callable[[World, Arguments], Any | Awaitable[Any]]


def table(polling: Polling) -> Mapping[str, Method]:
    """Return methods by lower-case name."""
    return {
        "getupdates": polling.updates,
        "setwebhook": polling.set_webhook,
        "deletewebhook": polling.delete_webhook,
        "getwebhookinfo": polling.webhook_info,
        "getme": chats.me,
        "getchat": chats.chat,
        "getchatmember": chats.chat_member,
        "leavechat": chats.leave_chat,
        "getfile": chats.file,
        "sendmessage": sending.send_message,
        "senddocument": sending.send_document,
        "sendphoto": sending.send_photo,
        "sendchataction": sending.send_chat_action,
        "sendmessagedraft": sending.send_message_draft,
        "editmessagetext": editing.edit_text,
        "editmessagecaption": editing.edit_caption,
        "editmessagereplymarkup": editing.edit_reply_markup,
        "deletemessage": editing.delete_message,
        "deletemessages": editing.delete_messages,
        "answercallbackquery": answers.answer_callback_query,
        "setmessagereaction": answers.set_message_reaction,
        "setmycommands": answers.set_my_commands,
        "getmycommands": answers.my_commands,
        "deletemycommands": answers.delete_my_commands,
    }
