"""`navi-bot run`: the daemon, or one console over a pipe."""

import sys
from collections.abc import Sequence
from contextlib import AsyncExitStack, aclosing

from navi_bot.app import accounts
from navi_bot.app.catalogue import all_commands, menu
from navi_bot.app.core import assemble
from navi_bot.app.daemon import Daemon
from navi_bot.app.hosts import choose_hosts
from navi_bot.app.opening import opened
from navi_bot.app.parts import gather
from navi_bot.app.rights import StoredRights
from navi_bot.app.starts import counted
from navi_bot.app.stores import Stores
from navi_bot.notify import Notifier
from navi_bot.ports.platform import Adapter, AsksForRights
from navi_bot.settings import Settings
from navi_bot.toolbox.custody import Custody
from navi_bot.toolbox.registry import SHIPPED

EXIT_DONE, EXIT_FAILED = 0, 1

CONSOLE = "console"


async def run(settings: Settings, *, demo: bool = False, packages: Sequence[str] = SHIPPED) -> int:
    """Serve until told to stop, with the tools of `packages`; return the exit code.

    1 if a question asked over a pipe was not answered. Raises ConfigurationError
    when there is nobody to talk to, OperatorError when the data directory is in use.
    """
    adapters = accounts.build(settings, menu(all_commands()))
    async with AsyncExitStack() as stack:
        patient = not _only_console(adapters)  # who sits at a console reads the fault at once
        stores = await opened(stack, settings, Notifier.from_environment(), patient=patient)
        return await serve(settings, stores, adapters, demo=demo, packages=packages)


async def serve(
    settings: Settings,
    stores: Stores,
    adapters: Sequence[Adapter],
    *,
    demo: bool,
    packages: Sequence[str] = SHIPPED,
) -> int:
    """Run a daemon with these adapters on an open store."""
    only_console = _only_console(adapters)
    for adapter in adapters:
        if isinstance(adapter, AsksForRights):
            pairing = settings.pairing == "code"
            adapter.consult(StoredRights(stores.people, adapter.platform, pairing=pairing))
    hosts = await choose_hosts(settings, demo=demo, console=only_console)
    async with aclosing(hosts), Custody() as custody:
        if hosts.notice:
            print(hosts.notice, file=sys.stderr, flush=True)
        if only_console and accounts.console_kind() == "pipe":
            parts = await gather(settings, stores, hosts, custody, packages)
            await Daemon(assemble(parts), adapters, ()).serve()
            return EXIT_FAILED if parts.aftermath.failed else EXIT_DONE
        async with counted(settings.data_dir) as safe:
            parts = await gather(settings, stores, hosts, custody, packages, safe)
            await Daemon(assemble(parts), adapters, [accounts.relay(stores.relay)]).serve()
    return EXIT_DONE


def _only_console(adapters: Sequence[Adapter]) -> bool:
    return all(adapter.platform == CONSOLE for adapter in adapters)
