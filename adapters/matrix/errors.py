"""Matrix's errors as ours: what the homeserver answered, what the connection did; pure.

What matters is whether a call may have had its effect. A repeated send has
none of its own (its transaction id is known), so a doubt costs nothing here.
"""

from dataclasses import dataclass

import aiohttp

from navi_bot.errors import (
    Ambiguous,
    CredentialError,
    MessageGone,
    NaviError,
    NotSent,
    Refused,
    RoomGone,
    Throttled,
    TooLong,
)

UNTOLD_PATIENCE = 5.0
"""Seconds to wait where a homeserver asks for patience and does not say how long."""

UNKNOWN_TOKEN = "M_UNKNOWN_TOKEN"

_CREDENTIALS = (UNKNOWN_TOKEN, "M_MISSING_TOKEN", "M_USER_DEACTIVATED", "M_USER_SUSPENDED")
_REFUSALS: dict[str, type[Refused]] = {
    "M_TOO_LARGE": TooLong,
    "M_NOT_FOUND": MessageGone,
    "M_FORBIDDEN": RoomGone,
    "M_GUEST_ACCESS_FORBIDDEN": RoomGone,
}


class SessionEnded(CredentialError):
    """The homeserver does not know our access token any more.

    `soft`: the device and its keys are still there; logging in again mends it.
    """

    def __init__(self, message: str, *, soft: bool) -> None:
        super().__init__(message)
        self.soft = soft


@dataclass(frozen=True, slots=True)
class Refusal:
    """An answer that is none: HTTP status, Matrix's error code and words."""

    status: int
    code: str
    message: str
    retry_after: float | None = None
    """Seconds."""
    soft_logout: bool = False


def refusal(refused: Refusal) -> NaviError:
    """Return our error for what a homeserver answered."""
    said = f"The homeserver says: {refused.message or 'nothing more'} ({refused.code})."
    if refused.code == "M_LIMIT_EXCEEDED" or refused.status == 429:
        wait = UNTOLD_PATIENCE if refused.retry_after is None else refused.retry_after
        return Throttled("The homeserver asks for patience.", wait)
    if refused.code == UNKNOWN_TOKEN:
        return SessionEnded(
            f"Our session at the homeserver has ended. {said}", soft=refused.soft_logout
        )
    if refused.code in _CREDENTIALS:
        return CredentialError(f"The homeserver refuses our account. {said}")
    if refused.status >= 500 or not refused.code:
        return Ambiguous(f"The homeserver fails (HTTP {refused.status}).")
    return _REFUSALS.get(refused.code, Refused)(said)


def disconnection(error: aiohttp.ClientError | OSError) -> NaviError:
    """Return our error for a connection that failed."""
    if isinstance(error, aiohttp.ClientConnectorError | ConnectionRefusedError):
        return NotSent("The homeserver cannot be reached.")
    return Ambiguous("The connection to the homeserver broke off.")
