"""What the server remembers of a request, for assertions."""

from dataclasses import asdict, dataclass, field
from typing import Any


@dataclass(slots=True)
class Record:
    """One request. Times are of the server's monotonic clock, in seconds; 0.0: never."""

    number: int
    path: str
    body: dict[str, Any]
    authorization: str
    arrived: float
    started: float = 0.0
    """A slot was free and the model loaded."""
    first: float = 0.0
    """The first byte of the answer was written."""
    ended: float = 0.0
    outcome: str = ""
    """"done", "failed", "cut", "dropped", "refused" or "disconnected"."""
    status: int = 0
    chunks: int = 0
    prompt: str = field(default="", repr=False)
    prompt_tokens: int = 0
    cached_tokens: int = 0
    num_ctx: int = 0
    dropped_messages: int = 0
    """Old messages that truncation took away in silence."""
    loaded: bool = False
    """The model was loaded, or loaded again, for this request."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)
