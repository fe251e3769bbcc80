"""One tree, split by who must act.

    NaviError
    ├── PersonError          the person: a command or message that cannot be done
    │   └── ToolArgumentError
    ├── OperatorError        the operator: settings, credentials, disk, database
    │   ├── ConfigurationError   before start; exit code 78
    │   ├── StoreError           the database refused (disk full, read-only, wrong schema)
    │   ├── CredentialError      a platform or model host refused our credentials
    │   └── ModelMissing         the model is not installed; names those that are
    ├── PlatformError        outside; try later or adapt
    │   ├── NotSent              surely not delivered: retry
    │   │   └── Throttled        wait `retry_after` seconds
    │   ├── Ambiguous            may have been delivered: never blindly repeat a first send
    │   ├── Refused              will never be accepted as it is
    │   │   ├── MarkupRefused        send it plain
    │   │   ├── TooLong              split it
    │   │   ├── MessageGone          the message to edit was deleted
    │   │   ├── RoomGone             blocked, kicked, deleted
    │   │   └── RoomMoved            the chat has a new id
    │   ├── PollConflict         another program polls with our token
    │   ├── StoreUnavailable     the database does not answer now
    │   ├── ModelUnavailable     the model host does not answer, is busy or broke off
    │   └── ModelTimeout         no token within the time allowed
    ├── ContextTooLarge      the prompt does not fit the model's window
    └── Bug                  ours: an invariant does not hold

Every message is one sentence that names the fault and, where there is one,
the mend. It may be shown to a person, so it never holds a secret.
"""


class NaviError(Exception):
    """The root. `str(error)` is one sentence for whoever must act."""


class PersonError(NaviError):
    """The person asked for something that cannot be done."""


class ToolArgumentError(PersonError):
    """The model's arguments do not fit the tool's schema."""


class OperatorError(NaviError):
    """Something that only the operator can mend."""


class ConfigurationError(OperatorError):
    """Settings are unusable. `faults` holds one sentence per fault."""

    def __init__(self, *faults: str) -> None:
        super().__init__(" ".join(faults))
        self.faults = faults


class StoreError(OperatorError):
    """The database refuses to do its work."""


class CredentialError(OperatorError):
    """A platform or a model host refused our credentials."""


class ModelMissing(OperatorError):
    """The model is not installed on the host. `installed` lists those that are."""

    def __init__(self, message: str, model: str, installed: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.model = model
        self.installed = installed


class PlatformError(NaviError):
    """Something outside does not work now."""


class NotSent(PlatformError):
    """The request surely had no effect."""


class Throttled(NotSent):
    """The platform asks for patience. `retry_after` is in seconds."""

    def __init__(self, message: str, retry_after: float) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Ambiguous(PlatformError):
    """The request may or may not have had its effect."""


class Refused(PlatformError):
    """The platform will never accept this request."""


class MarkupRefused(Refused):
    """The platform's parser refused our formatting."""


class TooLong(Refused):
    """The content is over the platform's limit."""


class MessageGone(Refused):
    """The message to edit, delete or react to does not exist any more."""


class RoomGone(Refused):
    """The bot cannot write to this room any more."""


class RoomMoved(Refused):
    """The chat has a new id."""

    def __init__(self, message: str, new_chat: str) -> None:
        super().__init__(message)
        self.new_chat = new_chat


class PollConflict(PlatformError):
    """Another program receives this account's updates."""


class StoreUnavailable(PlatformError):
    """The database does not answer now."""


class ModelUnavailable(PlatformError):
    """The model host does not answer, is overloaded or broke off.

    `tokens_seen`: a part of the answer had arrived before it broke off.
    """

    def __init__(self, message: str, *, tokens_seen: bool = False) -> None:
        super().__init__(message)
        self.tokens_seen = tokens_seen


class ModelTimeout(PlatformError):
    """No token came within the time that the settings allow."""


class ContextTooLarge(NaviError):
    """The prompt does not fit the model's window."""


class TurnLost(NaviError):
    """Another daemon has taken this turn over."""


class Bug(NaviError):
    """An invariant of ours does not hold."""
