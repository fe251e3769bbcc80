"""The life of a daemon whose faults a test chooses: started, killed, started again.

What a supervisor would do is done here. Who talks to the daemon, and where, a
subclass says: `places` are the settings that lead there.
"""

import asyncio
import time
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from daemon import Daemon
from faults.questions import Model
from faults.switchboard import Kind as FaultKind
from faults.switchboard import Switchboard
from strict_ollama import Installed, Script, Settings, StrictOllama

from navi_bot.app.starts import FILE
from navi_bot.store.pool import open_pool

HERE = Path(__file__).resolve().parent
RESTART = 0.2
"""Seconds that the supervisor waits before it starts the daemon again."""
PARALLEL = 4
"""Model calls at once, so that one that hangs is nobody else's."""
DAY = 86_400.0
READY = 120.0
"""Seconds that a start may take on a machine that has a lot to do."""
LONGEST_STOP = 30.0
"""Seconds from a SIGTERM until a test gives up."""

OPEN = """
WITH here AS (SELECT id FROM rooms WHERE chat = $1)
SELECT
    (SELECT count(*) FROM turns JOIN here ON room_id = here.id
     WHERE state IN ('queued', 'running', 'awaiting_input')) AS turns,
    (SELECT count(*) FROM inbox JOIN here ON room_id = here.id WHERE state = 'new') AS events,
    (SELECT count(*) FROM outbox JOIN here ON room_id = here.id
     WHERE final AND desired_hash <> acknowledged_hash AND abandoned = '') AS posts
"""

ORPHANS = """
SELECT count(*) FROM messages asking, jsonb_array_elements(asking.tool_calls) AS call
WHERE asking.tool_calls IS NOT NULL AND jsonb_typeof(asking.tool_calls) = 'array'
  AND NOT EXISTS (SELECT FROM messages told WHERE told.session_id = asking.session_id
                  AND told.role = 'tool' AND told.tool_call_id = call ->> 'id')
"""

CUT = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid()
  AND application_name LIKE 'navi-bot%'
"""


class Life:
    """Async context manager; `changes` are added to the daemon's environment."""

    def __init__(
        self,
        dsn: str,
        folder: Path,
        changes: Mapping[str, str],
        *,
        forgiving: bool = True,
        model: Script | None = None,
    ) -> None:
        """`forgiving`: many crashes in a row are what is tested, not a reason for safe mode."""
        self._dsn = dsn
        self._folder = folder
        self._forgiving = forgiving
        self._changes = changes
        self._stack = AsyncExitStack()
        self._supervising: asyncio.Task[None] | None = None
        self._wanted = False
        self._terminated: float | None = None
        self._begun = asyncio.Event()
        self._model = model or Model()
        self.ollama = StrictOllama(settings=Settings(parallel=PARALLEL))
        self.faults = Switchboard(folder / "faults.socket", self._outside)
        self.daemon: Daemon | None = None
        self.bell = folder / "bell"
        self.crashes = 0
        """Ends of the daemon that nobody asked for."""
        self.stops: list[float] = []
        """Seconds from a SIGTERM to the end."""
        self.logs: list[str] = []

    async def __aenter__(self) -> Self:
        enter = self._stack.enter_async_context
        await self._arrive(self._stack)
        await enter(self.ollama)
        await enter(self.faults)
        self.ollama.install(Installed("tiny", self._model))
        self.pool = await enter(open_pool(self._dsn, application_name="faults", size=2))
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.end()
        await self._stack.aclose()

    async def _arrive(self, stack: AsyncExitStack) -> None:
        """Start what the daemon is to talk to."""
        raise NotImplementedError

    @property
    def places(self) -> Mapping[str, str]:
        """The settings of where the daemon talks, and to whom."""
        raise NotImplementedError

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PYTHONPATH": f"{HERE.parent}:{HERE.parent.parent}",
            "FAULTS_SOCKET": str(self.faults.path),
            "FAULTS_BELL": str(self.bell),
            "NAVI_DATA_DIR": str(self._folder / "data"),
            "NAVI_DATABASE_URL": self._dsn,
            "NAVI_MODEL": "tiny",
            "NAVI_PROFILE": "faults",
            "NAVI_PROFILES_DIR": str(HERE / "profiles"),
            "NAVI_FIRST_SHOW": "0.2",
            "OLLAMA_HOST": self.ollama.url,
            "OLLAMA_PARALLEL": str(PARALLEL),
            **self.places,
            **self._changes,
        }

    # The daemon's life -------------------------------------------------------------

    async def start(self) -> None:
        """Start the daemon, and again whenever it ends unasked, until `end`."""
        self._wanted = True
        self._begun.clear()
        self._supervising = asyncio.ensure_future(self._supervise())
        await asyncio.wait_for(self._begun.wait(), READY)
        assert self.daemon is not None
        await self.daemon.event("daemon_ready", within=READY)

    async def end(self) -> None:
        """SIGTERM, and wait; a daemon that does not end in time is a TimeoutError."""
        self._wanted = False
        if self._supervising is None:
            return
        if self.daemon is not None and self.daemon.running:
            await self.stop()
        self._supervising.cancel()
        await asyncio.wait({self._supervising})
        self._supervising = None

    def terminate(self) -> None:
        """SIGTERM; the supervisor notes how long the end takes, and starts it again."""
        assert self.daemon is not None
        if self.daemon.running:
            self._terminated = time.monotonic()
            self.daemon.terminate()

    def kill(self) -> None:
        """kill -9, whatever the daemon is at."""
        if self.daemon is not None and self.daemon.running:
            self._begun.clear()
            self.daemon.kill()

    async def fallen(self) -> None:
        """Wait until a daemon that was killed is gone, and another one has begun."""
        await asyncio.wait_for(self._begun.wait(), LONGEST_STOP)

    async def stop(self) -> None:
        """SIGTERM, and wait for the end; TimeoutError if there is none."""
        assert self.daemon is not None
        stopped = self.daemon
        self.terminate()
        await stopped.ended(LONGEST_STOP)

    async def _supervise(self) -> None:
        while True:
            async with Daemon(self.environment, module="faults") as daemon:
                self.daemon = daemon
                self._begun.set()
                code = await daemon.ended(DAY)
                self.crashes += code != 0
                if self._terminated is not None:
                    self.stops.append(time.monotonic() - self._terminated)
                    self._terminated = None
                self.logs += daemon.raw
            if not self._wanted:
                return
            if self._forgiving:
                (self._folder / "data" / FILE).unlink(missing_ok=True)
            await asyncio.sleep(RESTART)

    async def _outside(self, kind: FaultKind) -> None:
        match kind:
            case "drop":
                await self.pool.fetch(CUT)
            case "term":
                self.terminate()

    # What is left ----------------------------------------------------------------------

    async def open_work(self, chat: str) -> dict[str, int]:
        """Return what the database says is not done in a chat: turns, events, posts."""
        row = await self.pool.fetchrow(OPEN, chat)
        return dict(row or {})

    async def orphans(self) -> int:
        """Return how many stored tool calls have no stored result."""
        return int(await self.pool.fetchval(ORPHANS))

    def rings(self) -> list[str]:
        return self.bell.read_text().split() if self.bell.exists() else []
