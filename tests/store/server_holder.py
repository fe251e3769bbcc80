"""A process that holds an embedded server: the daemon's part in tests of its death.

    python server_holder.py DATA_DIR

Says a JSON line {"dsn", "pid"} when the server is ready or {"refused", "kind"}
when it is not, and lets go of it at SIGTERM.
"""

import asyncio
import json
import signal
import sys
from pathlib import Path

import structlog

from navi_bot.errors import NaviError
from navi_bot.store.cluster import Cluster
from navi_bot.store.embedded import EmbeddedServer


async def hold(data_dir: Path) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    try:
        async with EmbeddedServer(data_dir) as server:
            note = Cluster(data_dir).running()
            print(json.dumps({"dsn": server.dsn, "pid": note and note[0]}), flush=True)
            await ended.wait()
    except NaviError as error:
        print(json.dumps({"refused": str(error), "kind": type(error).__name__}), flush=True)


if __name__ == "__main__":
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    asyncio.run(hold(Path(sys.argv[1])))
