"""Run the server by itself: `python -m strict_telegram --port 8081 --limits mild`.

The first line on stdout is the server's URL, the second that of its controls.
It runs until SIGTERM or SIGINT.
"""

import argparse
import asyncio
import signal
import sys

from aiohttp import web

from strict_telegram.control import Control
from strict_telegram.limits import NAMED
from strict_telegram.server import HOST, TOKEN, Server


async def serve(options: argparse.Namespace) -> None:
    """Serve until told to stop."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)
    server = Server(
        token=options.token, username=options.username, limits=options.limits, port=options.port
    )
    async with server:
        runner = web.AppRunner(Control(server).app, access_log=None)
        await runner.setup()
        try:
            site = web.TCPSite(runner, HOST, options.control_port)
            await site.start()
            print(server.url)
            print(f"http://{HOST}:{runner.addresses[0][1]}")
            sys.stdout.flush()
            await stop.wait()
        finally:
            await runner.cleanup()


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m strict_telegram")
    parser.add_argument("--port", type=int, default=0, help="0: any free port")
    parser.add_argument("--control-port", type=int, default=0)
    parser.add_argument("--token", default=TOKEN)
    parser.add_argument("--username", default="navi_bot")
    parser.add_argument("--limits", choices=sorted(NAMED), default="off")
    asyncio.run(serve(parser.parse_args()))


if __name__ == "__main__":
    main()
