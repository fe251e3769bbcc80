"""The catalogue of words shown in chats.

Each area has a module of its own that defines `Text`s. A `Text` is called
with its values and answers in the language of the running task; without a
translation it answers in English.

    STOPPED = Text("turn.stopped", "⏹ Stopped.")
    STOPPED()
"""

from collections.abc import Mapping
from contextvars import ContextVar

Translations = Mapping[str, str]

_translations: ContextVar[Translations | None] = ContextVar("translations", default=None)


def speak(translations: Translations | None) -> None:
    """Choose the language of the running task: key → template, None for English."""
    _translations.set(translations)


class Text:
    """A sentence with named places; `key` finds its translation."""

    __slots__ = ("english", "key")

    def __init__(self, key: str, english: str) -> None:
        self.key = key
        self.english = english

    def __call__(self, **values: object) -> str:
        translations = _translations.get() or {}
        return translations.get(self.key, self.english).format(**values)
