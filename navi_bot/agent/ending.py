"""How a turn ends early: an exception that carries its last words."""

from navi_bot.errors import ContextTooLarge, CredentialError, ModelMissing, ModelTimeout, NaviError
from navi_bot.events import StreamFailed
from navi_bot.texts import agent as texts


class Limited(Exception):
    """A limit was reached. `words` are said to the person and kept; `limit`
    is the name in StreamEnd; `text` is what of the answer stands before them."""

    def __init__(self, limit: str, words: str, text: str = "") -> None:
        super().__init__(limit)
        self.limit = limit
        self.words = words
        self.text = text


class Failed(Exception):
    """The turn has no answer. `event.partial` is what there is of one."""

    def __init__(self, event: StreamFailed) -> None:
        super().__init__(event.reason)
        self.event = event


def early(error: NaviError, partial: str = "") -> Limited | Failed:
    """Return the ending that a model host's error makes, in one sentence for a person."""
    match error:
        case ContextTooLarge():
            return Limited("context", str(error), partial)
        case ModelMissing(model=model, installed=installed):
            reason = (
                texts.MODEL_MISSING_ELSE(model=model, installed=", ".join(installed))
                if installed
                else texts.MODEL_MISSING(model=model)
            )
            return Failed(StreamFailed(reason, partial, models=installed))
        case CredentialError():
            return Failed(StreamFailed(str(error), partial, retryable=False))
        case ModelTimeout():
            return Failed(StreamFailed(texts.MODEL_SLOW(reason=str(error)), partial))
    return Failed(StreamFailed(str(error), partial))
