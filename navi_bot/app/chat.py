"""`navi-bot chat`: a terminal on the running daemon, or a daemon of its own."""

from navi_bot.app import accounts
from navi_bot.app.catalogue import all_commands, menu
from navi_bot.app.owners import ensure_owners
from navi_bot.app.run import EXIT_DONE, serve
from navi_bot.app.stores import Stores, opened_store
from navi_bot.errors import OperatorError
from navi_bot.settings import Settings
from navi_bot.store.lease import Leases


async def chat(settings: Settings) -> int:
    """Talk in this terminal; return the exit code."""
    async with opened_store(settings) as stores:
        if not await _is_served(stores):
            await ensure_owners(stores.people, settings.owners)
            console = accounts.console(settings, menu(all_commands()))
            return await serve(settings, stores, [console], demo=False)
        if accounts.console_kind() != "terminal":
            raise OperatorError(
                "navi-bot is running already; navi-bot chat talks to it from a terminal only."
            )
        await accounts.attached(settings, menu(all_commands()), stores.relay)
        return EXIT_DONE


async def _is_served(stores: Stores) -> bool:
    """Whether a running daemon listens to other terminals: it holds the relay's lease."""
    async with Leases(stores.dsn) as leases:
        return not await leases.acquire(*accounts.RELAY)
