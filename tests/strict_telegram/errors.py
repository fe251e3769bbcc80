"""What the server refuses, with the real server's codes and texts.

The Bot API server words every refusal in one way: a prefix by code, then the
message with its first letter lowered, unless it is an ALL_CAPS word.
"""

PREFIXES = {
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    409: "Conflict",
    500: "Internal Server Error",
}

NOT_MODIFIED = (
    "message is not modified: specified new message content and reply markup are exactly "
    "the same as a current content and reply markup of the message"
)
QUERY_TOO_OLD = "query is too old and response timeout expired or query ID is invalid"
WEBHOOK_ACTIVE = (
    "can't use getUpdates method while webhook is active; use deleteWebhook to delete "
    "the webhook first"
)
OTHER_POLLER = (
    "terminated by other getUpdates request; make sure that only one bot instance is running"
)
OTHER_WEBHOOK = "terminated by setWebhook request"


class ApiError(Exception):
    """A refusal; `description` is the whole text that goes over the wire."""

    def __init__(
        self,
        code: int,
        description: str,
        *,
        retry_after: int | None = None,
        migrate_to: int | None = None,
    ) -> None:
        super().__init__(description)
        self.code = code
        self.description = description
        self.retry_after = retry_after
        self.migrate_to = migrate_to

    @property
    def body(self) -> dict[str, object]:
        """The JSON object of the answer."""
        parameters: dict[str, object] = {}
        if self.retry_after is not None:
            parameters["retry_after"] = self.retry_after
        if self.migrate_to is not None:
            parameters["migrate_to_chat_id"] = self.migrate_to
        body: dict[str, object] = {
            "ok": False,
            "error_code": self.code,
            "description": self.description,
        }
        return body | ({"parameters": parameters} if parameters else {})


def worded(code: int, message: str) -> str:
    """Return a message as the server words it: prefix and lowered first letter."""
    prefix = PREFIXES[code]
    if message.startswith(prefix):
        return message
    shouted = len(message) >= 2 and (message[1] == "_" or "A" <= message[1] <= "Z")
    return f"{prefix}: {message if shouted else message[:1].lower() + message[1:]}"


def bad(message: str) -> ApiError:
    """Return a 400."""
    return ApiError(400, worded(400, message))


def forbidden(message: str) -> ApiError:
    """Return a 403."""
    return ApiError(403, worded(403, message))


def conflict(message: str) -> ApiError:
    """Return a 409."""
    return ApiError(409, f"Conflict: {message}")


def flood(seconds: int) -> ApiError:
    """Return a 429 that asks for whole seconds of patience."""
    return ApiError(429, f"Too Many Requests: retry after {seconds}", retry_after=seconds)


def upgraded(new_chat: int) -> ApiError:
    """Return the 400 of a group that has become a supergroup."""
    return ApiError(
        400,
        "Bad Request: group chat was upgraded to a supergroup chat",
        migrate_to=new_chat,
    )


UNAUTHORIZED = ApiError(401, "Unauthorized")
INVALID_TOKEN = ApiError(401, "Unauthorized: invalid token specified")
NO_METHOD = ApiError(404, "Not Found: method not found")
TOO_LARGE = ApiError(413, "Request Entity Too Large")
NO_PATH = ApiError(404, "Not Found")
