"""A journal that forgets, for runs that no store knows."""

from collections.abc import Mapping, Sequence

from navi_bot.messages import Entry, Message


class MemoryJournal:
    """Keeps what a run writes down for as long as somebody holds it."""

    def __init__(self, profile_id: str) -> None:
        self.entries: list[Entry] = []
        self.profile = profile_id

    async def record(self, entries: Sequence[Entry]) -> None:
        self.entries += entries

    async def begin_batch(
        self, step: int, assistant: Message, effects: Mapping[str, str]
    ) -> None: ...

    async def end_call(self, step: int, call_id: str, result: str, ok: bool) -> None: ...

    async def steering(self) -> tuple[Message, ...]:
        return ()

    async def profile_id(self) -> str:
        return self.profile

    async def close(self, entries: Sequence[Entry]) -> None:
        self.entries += entries
