"""The command line: reads arguments and settings, runs one command, ends with its code.

0    done
1    it failed; one sentence on stderr says why
2    wrong arguments
78   settings are unusable; one sentence per fault on stderr
130  interrupted at the keyboard
"""

import argparse
import asyncio
import os
import sys
import threading
from collections.abc import Coroutine, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Any
from zoneinfo import ZoneInfo

import structlog

from navi_bot import app
from navi_bot.doctor import diagnose
from navi_bot.errors import ConfigurationError, NaviError
from navi_bot.log import configure, leaves
from navi_bot.pairing import approve, overview, revoke
from navi_bot.recall import overview as recall_overview
from navi_bot.settings import Settings, chosen_adapters, load

log = structlog.get_logger()

LEAVING = 1.0
"""Seconds that what does not end by itself gets when the program is done."""

EXIT_DONE, EXIT_FAILED, EXIT_CONFIGURATION, EXIT_INTERRUPTED = 0, 1, 78, 130


def run_command(arguments: Sequence[str], packages: Sequence[str] = ("tools",)) -> int:
    """Run `navi-bot ARGUMENTS`, with the tools of `packages`; return the exit code."""
    chosen = parser().parse_args(arguments)
    try:
        settings = load()
        configure(
            quieter(chosen.command, settings),
            to_file=draws(chosen.command, settings, sys.stdout.isatty()),
        )
        return run_to_end(command(chosen, settings, packages))
    except KeyboardInterrupt:
        return EXIT_INTERRUPTED
    except Exception as error:  # noqa: BLE001  # the process's boundary
        return report(error)


def report(error: Exception) -> int:
    """Tell the operator what went wrong, a line for each fault; return the exit code."""
    causes = tuple(leaves(error))
    for cause in causes:
        match cause:
            case ConfigurationError(faults=faults):
                print(*faults, sep="\n", file=sys.stderr)
            case NaviError():
                print(cause, file=sys.stderr)
            case BrokenPipeError():  # whoever read our output has read enough
                os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            case _:
                # The log hides secrets in the traceback; Python itself would not.
                log.error("daemon_broke", exc_info=cause)
                print(
                    f"A fault of navi-bot's own ({type(cause).__name__}); it is in the log.",
                    file=sys.stderr,
                )
    if all(isinstance(cause, ConfigurationError) for cause in causes):
        return EXIT_CONFIGURATION
    return EXIT_FAILED


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(
        "navi-bot", description="A self-hosted AI agent that lives in chat rooms."
    )
    top.add_argument("--version", action="version", version=f"navi-bot {version('navi-bot')}")
    commands = top.add_subparsers(dest="command", required=True, metavar="COMMAND")
    run = commands.add_parser("run", help="serve the configured chats, or this terminal")
    run.add_argument(
        "--demo", action="store_true", help="play a scripted model instead of a real one"
    )
    commands.add_parser("chat", help="talk in this terminal, to the running daemon if there is one")
    commands.add_parser("check", help="see whether every part works, and what would mend it")
    commands.add_parser("migrate", help="bring the database up to date")
    _add_recalls(commands)
    pair = commands.add_parser("pair", help="let people in, or out")
    pairing = pair.add_subparsers(dest="act", required=True, metavar="ACTION")
    pairing.add_parser("list", help="show who may talk to the bot, and who asks to")
    approve = pairing.add_parser("approve", help="let somebody in by the code they were given")
    approve.add_argument("code", metavar="CODE")
    revoke = pairing.add_parser("revoke", help="take somebody's rights")
    revoke.add_argument("who", metavar="PLATFORM:ID", type=identity)
    matrix = commands.add_parser("matrix", help="see to the Matrix account")
    acts = matrix.add_subparsers(dest="act", required=True, metavar="ACTION")
    login = acts.add_parser("login", help="log in and have the device sign itself")
    login.add_argument(
        "--new-device", action="store_true", help="give up the device and its keys, make another"
    )
    login.add_argument(
        "--replace-identity",
        action="store_true",
        help="replace the cross-signing keys that another client made",
    )
    return top


def _add_recalls(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    recalls = commands.add_parser("recalls", help="see the reminders that wait")
    acts = recalls.add_subparsers(dest="act", required=True, metavar="ACTION")
    acts.add_parser("list", help="a line for each, and how promises were kept this month")
    acts.add_parser("export", help="write them as an iCalendar file to standard output")


def identity(text: str) -> tuple[str, str]:
    """Return (platform, id) from "telegram:1234"."""
    platform, colon, name = text.partition(":")
    if not (platform and colon and name):
        raise argparse.ArgumentTypeError(f"{text!r} is not PLATFORM:ID, like telegram:1234")
    return platform, name


def draws(command: str, settings: Settings, on_terminal: bool) -> bool:
    """Answer whether the console draws on the terminal, so that logs must not."""
    if command == "run":
        return on_terminal and "console" in chosen_adapters(settings)
    return command == "chat" and on_terminal


def quieter(command: str, settings: Settings) -> Settings:
    """Let a command that only answers the operator log no more than warnings, unless told to."""
    if command in ("run", "chat") or "log_level" in settings.model_fields_set:
        return settings
    return settings.model_copy(update={"log_level": "warning"})


def run_to_end(work: Coroutine[Any, Any, int]) -> int:
    """Run the program and return its exit code.

    Python then waits for every task and thread. A tool's that takes no notice
    never ends; LEAVING seconds later the process does, for all that counts is
    closed by then.
    """
    code = EXIT_FAILED
    leaving = threading.Timer(LEAVING, lambda: os._exit(code))
    leaving.daemon = True

    async def completed() -> None:
        nonlocal code
        try:
            code = await work
        finally:
            leaving.start()

    try:
        asyncio.run(completed())
    finally:
        leaving.cancel()
    return code


def command(
    chosen: argparse.Namespace, settings: Settings, packages: Sequence[str]
) -> Coroutine[Any, Any, int]:
    match chosen.command:
        case "run":
            return app.run(settings, demo=chosen.demo, packages=packages)
        case "chat":
            return app.chat(settings)
        case "check":
            return check(settings)
        case "migrate":
            return migrate(settings)
        case "recalls":
            return recalls(chosen, settings)
        case "matrix":
            return matrix_login(chosen, settings)
        case _:
            return pair(chosen, settings)


async def check(settings: Settings) -> int:
    well = await diagnose(app.probes(settings), print)
    return EXIT_DONE if well else EXIT_FAILED


async def migrate(settings: Settings) -> int:
    async with app.opened_store(settings) as store:
        print(f"{store.database}: all migrations are applied.")
    return EXIT_DONE


async def matrix_login(chosen: argparse.Namespace, settings: Settings) -> int:
    steps = app.matrix_login(
        settings, new_device=chosen.new_device, replace_identity=chosen.replace_identity
    )
    async for step in steps:
        print(step, flush=True)
    return EXIT_DONE


async def recalls(chosen: argparse.Namespace, settings: Settings) -> int:
    now = datetime.now(UTC)
    async with app.opened_store(settings) as store:
        if chosen.act == "export":
            calendar = await recall_overview.exported(store.recalls, now)
            sys.stdout.buffer.write(calendar.encode())  # its line ends are its own
            return EXIT_DONE
        home = ZoneInfo(settings.timezone)
        lines = await recall_overview.overview(store.recalls, store.receipts, home, now)
        print(*lines, sep="\n")
    return EXIT_DONE


async def pair(chosen: argparse.Namespace, settings: Settings) -> int:
    async with app.opened_store(settings) as store:
        match chosen.act:
            case "list":
                lines = await overview(store.people, chosen_adapters(settings), datetime.now(UTC))
                print(*lines, sep="\n")
            case "approve":
                print(await approve(store.people, chosen.code))
            case _:
                print(await revoke(store.people, *chosen.who))
    return EXIT_DONE
