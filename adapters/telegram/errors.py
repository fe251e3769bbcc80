"""Telegram's errors as ours; the only place that knows their texts.

What matters is whether a call may have had its effect: a refused connection
had none, a timeout while reading the answer may have. BadRequest is a kind of
NetworkError in the library, so it is matched first.
"""

import httpx
from telegram.error import (
    BadRequest,
    ChatMigrated,
    Conflict,
    Forbidden,
    InvalidToken,
    NetworkError,
    RetryAfter,
    TelegramError,
    TimedOut,
)

from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    MarkupRefused,
    MessageGone,
    NaviError,
    NotSent,
    PollConflict,
    Refused,
    RoomGone,
    RoomMoved,
    Throttled,
    TooLong,
)

_NO_EFFECT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)

_REFUSALS: tuple[tuple[str, type[Refused]], ...] = (
    ("message to edit not found", MessageGone),
    ("message to delete not found", MessageGone),
    ("message to react not found", MessageGone),
    ("message can't be edited", MessageGone),
    ("message can't be deleted", MessageGone),
    ("message_id_invalid", MessageGone),
    ("can't parse", MarkupRefused),
    ("entity", MarkupRefused),
    ("entities", MarkupRefused),
    ("is too long", TooLong),
    ("message_too_long", TooLong),
    ("file is too big", TooLong),
    ("chat not found", RoomGone),
    ("chat_write_forbidden", RoomGone),
    ("not enough rights to send", RoomGone),
    ("have no rights to send", RoomGone),
    ("group chat was deactivated", RoomGone),
    ("peer_id_invalid", RoomGone),
)
"""Parts of descriptions, lower case, and what they mean; the first hit counts."""

NOT_MODIFIED = "message is not modified"
THREAD_GONE = ("message thread not found", "topic_closed", "topic_deleted")


def seconds(retry: RetryAfter) -> float:
    """Return the penalty in seconds (the library answers an int or a timedelta)."""
    value = retry.retry_after
    return float(value) if isinstance(value, int) else value.total_seconds()


def translate(error: TelegramError) -> NaviError:
    """Return our error for the library's. Never quotes the token."""
    match error:
        case RetryAfter():
            return Throttled("Telegram asks for patience.", seconds(error))
        case ChatMigrated():
            return RoomMoved("The group became a supergroup.", str(error.new_chat_id))
        case InvalidToken():
            return CredentialError(
                "Telegram refused the bot token. Check TELEGRAM_BOT_TOKEN with @BotFather, "
                "and TELEGRAM_API_URL if you use a server of your own."
            )
        case Conflict():
            return PollConflict("Another program receives updates with this bot's token.")
        case Forbidden():
            return RoomGone(f"Telegram: {error.message}.")
        case BadRequest():
            return _refusal(error.message)
        case TimedOut():
            return _by_cause(error, "Telegram did not answer in time.")
        case NetworkError():
            return _by_cause(error, "The connection to Telegram broke off.")
    return Refused(f"Telegram: {error.message}.")


def _refusal(message: str) -> Refused:
    lowered = message.lower()
    for part, kind in _REFUSALS:
        if part in lowered:
            return kind(f"Telegram: {message}.")
    return Refused(f"Telegram: {message}.")


def _by_cause(error: TelegramError, message: str) -> NaviError:
    return NotSent(message) if isinstance(error.__cause__, _NO_EFFECT) else Ambiguous(message)
