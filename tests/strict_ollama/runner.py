"""Loaded models: slots with a prompt cache each, a queue before them, and loading.

A model is loaded for one window (num_ctx) and one way of shifting; a request
for another reloads it once the slots are idle, and every cache is gone. A
prompt takes the free slot with the longest common prefix; only what follows
that prefix is evaluated.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from strict_ollama.prompt import CHARACTERS_PER_TOKEN, Prompt, shared
from strict_ollama.refusal import queue_full


@dataclass(slots=True)
class Slot:
    """One place to generate. `text` is what its cache holds."""

    text: str = ""
    busy: bool = False
    used: int = 0
    """When it was taken last, as a serial number."""

    def take(self, prompt: Prompt) -> int:
        """Put a prompt into the cache; return how many of its tokens were there."""
        same = shared(self.text, prompt.text)
        self.text = prompt.text
        # The last token is always evaluated: its logits are needed.
        return max(0, min(same // CHARACTERS_PER_TOKEN, prompt.tokens - 1))


class Runner:
    """One model in memory, or on its way there."""

    def __init__(self, parallel: int, max_queue: int) -> None:
        self.loads = 0
        self.launch: tuple[int, bool] | None = None
        """(num_ctx, shift) that it is loaded with; None when it is not."""
        self._slots = [Slot() for _ in range(parallel)]
        self._max_queue = max_queue
        self._line: deque[object] = deque()
        self._changed = asyncio.Condition()
        self._loading = asyncio.Lock()
        self._taken = 0

    @property
    def waiting(self) -> int:
        return len(self._line)

    @property
    def busy(self) -> int:
        return sum(slot.busy for slot in self._slots)

    def unload(self) -> None:
        self.launch = None
        for slot in self._slots:
            slot.text = ""

    @asynccontextmanager
    async def slot(
        self, launch: tuple[int, bool], load_seconds: float, prompt: str
    ) -> AsyncIterator[tuple[Slot, bool]]:
        """Wait for a slot in order of arrival, and for the model to be loaded.

        Gives the slot and whether this request loaded the model.
        """
        async with self._changed:
            await self._wait(launch)
            loads = self.launch != launch
            if loads:
                self.unload()
                self.launch = launch
                self.loads += 1
            slot = self._take(prompt)
        try:
            async with self._loading:
                await asyncio.sleep(load_seconds if loads else 0)
            yield slot, loads
        finally:
            slot.busy = False
            async with self._changed:
                self._changed.notify_all()

    async def _wait(self, launch: tuple[int, bool]) -> None:
        if self._line and len(self._line) >= self._max_queue:
            raise queue_full()
        me = object()
        self._line.append(me)
        try:
            await self._changed.wait_for(lambda: self._line[0] is me and self._ready(launch))
        finally:
            self._line.remove(me)
            self._changed.notify_all()

    def _ready(self, launch: tuple[int, bool]) -> bool:
        return self.busy < len(self._slots) if self.launch == launch else self.busy == 0

    def _take(self, prompt: str) -> Slot:
        free = [slot for slot in self._slots if not slot.busy]
        slot = max(free, key=lambda each: (shared(each.text, prompt), -each.used))
        self._taken += 1
        slot.busy, slot.used = True, self._taken
        return slot
