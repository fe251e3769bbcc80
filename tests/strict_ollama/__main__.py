"""The server as a process of its own: prints its URL, ends by a signal or its time."""

import argparse
import asyncio
import signal
from pathlib import Path

from strict_ollama.script_file import load
from strict_ollama.server import StrictOllama


async def serve(port: int, script: Path, seconds: float) -> None:
    """Serve until SIGTERM, SIGINT or the end of the time."""
    settings, models = load(script)
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with StrictOllama(*models, settings=settings, port=port) as server:
        print(server.url, flush=True)
        try:
            async with asyncio.timeout(seconds):
                await stop.wait()
        except TimeoutError:
            return


def main() -> None:
    parser = argparse.ArgumentParser(prog="strict_ollama")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--script", type=Path, required=True)
    parser.add_argument("--seconds", type=float, default=600.0, help="how long to live")
    options = parser.parse_args()
    asyncio.run(serve(options.port, options.script, options.seconds))


if __name__ == "__main__":
    main()
