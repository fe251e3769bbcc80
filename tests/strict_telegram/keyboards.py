"""Reply markup, checked as the Bot API server and the backend check it."""

from collections.abc import Mapping
from typing import Any

from strict_telegram.arguments import Arguments
from strict_telegram.errors import bad

MAX_DATA = 64  # bytes of callback_data
MAX_BUTTONS = 100  # of one inline keyboard; beyond it the backend refuses
MAX_ROW = 8  # buttons in a row that are kept apart
_ACTIONS = [
    "url",
    "callback_data",
    "callback_game",
    "pay",
    "switch_inline_query",
    "copy_text",
    "web_app",
    "login_url",
    "switch_inline_query_current_chat",
    "switch_inline_query_chosen_chat",
]
_OTHERS = ("keyboard", "remove_keyboard", "force_reply")


def read(arguments: Arguments) -> Mapping[str, Any] | None:
    """Return the markup of a call, in the form in which messages show it.

    None when there is none. Raises the real refusals.
    """
    value = arguments.json("reply_markup", "Can't parse reply keyboard markup JSON object")
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad("Object expected as reply markup")
    if "inline_keyboard" in value:
        return _inline(value["inline_keyboard"])
    return {name: value[name] for name in _OTHERS if value.get(name)} or None


def _inline(rows: object) -> Mapping[str, Any] | None:
    where = 'Field "inline_keyboard" of the InlineKeyboardMarkup must be an Array'
    if not isinstance(rows, list):
        raise bad(where)
    if not all(isinstance(row, list) for row in rows):
        raise bad(where + " of Arrays")
    checked = [[_button(button) for button in row] for row in rows]
    checked = [row for row in checked if row]
    if sum(len(row) for row in checked) > MAX_BUTTONS:
        raise bad("Reply markup is too long")
    return {"inline_keyboard": checked} if checked else None


def _button(button: object) -> Mapping[str, Any]:
    problem = "Can't parse inline keyboard button: "
    if not isinstance(button, dict):
        raise bad(problem + "InlineKeyboardButton must be an Object")
    if not isinstance(button.get("text"), str):
        raise bad(problem + 'Field "text" must be of type String')
    kinds = [name for name in _ACTIONS if button.get(name) not in (None, "")]
    if not kinds:
        raise bad(problem + "Text buttons are unallowed in the inline keyboard")
    if not button["text"].strip():
        raise bad("BUTTON_TEXT_INVALID")
    if kinds[0] == "callback_data" and len(str(button["callback_data"]).encode()) > MAX_DATA:
        raise bad("BUTTON_DATA_INVALID")
    if kinds[0] == "url" and "." not in str(button["url"]) and "://" not in str(button["url"]):
        raise bad("BUTTON_URL_INVALID")
    if button.get("style", "primary") not in ("danger", "success", "primary"):
        raise bad(problem + "Invalid button style specified")
    return {name: button[name] for name in ("text", kinds[0], "style") if name in button}
