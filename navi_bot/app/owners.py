"""Who owns the bot: those whom the settings name, whoever sits at its console."""

from collections.abc import Iterable

import structlog

from navi_bot.messages import Role
from navi_bot.pairing import LINKABLE
from navi_bot.ports.platform import Adapter
from navi_bot.ports.store import People

log = structlog.get_logger()

CONSOLE_PERSON = ("console", "operator")
"""Who can type at the daemon's terminal could as well change its settings."""


async def ensure_owners(people: People, named: Iterable[tuple[str, str]]) -> None:
    """Make owners of the (platform, id) pairs that the operator names, put out before or not."""
    for platform, platform_id in (CONSOLE_PERSON, *named):
        await people.ensure(platform, platform_id, "", Role.OWNER)
        await people.set_role(platform, platform_id, Role.OWNER)


async def owner_link(people: People, adapter: Adapter) -> str:
    """Return what makes whoever does it the owner, "" when there is one already."""
    if adapter.platform not in LINKABLE or await people.owner_exists():
        return ""
    for pairing in await people.pending():
        if pairing.role is Role.OWNER and pairing.platform == adapter.platform:
            return _link(adapter, pairing.code)
    made = await people.offer(Role.OWNER, adapter.platform, "", "")
    return _link(adapter, made.code) if made else ""


def _link(adapter: Adapter, code: str) -> str:
    if adapter.platform == "telegram":
        return f"https://t.me/{adapter.name}?start={code}"
    return f"write “/start {code}” to {adapter.account} in a private chat"
