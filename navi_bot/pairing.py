"""What the operator does about people at the command line: see, let in, put out."""

from collections.abc import Sequence
from datetime import datetime

from navi_bot.errors import PersonError
from navi_bot.messages import Role
from navi_bot.ports.records import Identity, Pairing
from navi_bot.ports.store import People

LINKABLE = ("telegram", "matrix")
"""Platforms where a first owner introduces themselves with a code."""


async def overview(people: People, platforms: Sequence[str], now: datetime) -> tuple[str, ...]:
    """Return a line for each person and each open code.

    Where nobody owns the bot yet, an owner's code is made for each platform.
    """
    if not await people.owner_exists():
        offered = {pairing.platform for pairing in await people.pending() if _for_owner(pairing)}
        for platform in platforms:
            if platform in LINKABLE and platform not in offered:
                await people.offer(Role.OWNER, platform, "", "")
    lines = [_person(identity) for identity in await people.identities()]
    lines += [_code(pairing, now) for pairing in await people.pending()]
    return tuple(lines) or ("Nobody is let in yet, and nobody asks to be.",)


async def approve(people: People, code: str) -> str:
    """Let in whoever was given the code; PersonError when it is not open."""
    identity = await people.approve(code)
    if identity is None:
        raise PersonError(
            f"The code {code} is not waiting (used, expired or mistyped); "
            "navi-bot pair list shows those that are."
        )
    return f"Let in: {_person(identity)}"


async def revoke(people: People, platform: str, platform_id: str) -> str:
    """Take somebody's rights; PersonError when they are not known."""
    if not await people.revoke(platform, platform_id):
        raise PersonError(
            f"{platform}:{platform_id} is not let in; navi-bot pair list shows who is."
        )
    return f"Put out: {platform}:{platform_id}"


def _person(identity: Identity) -> str:
    who = f"{identity.platform}:{identity.platform_id}"
    return f"{identity.role:<7} {who}  {_printable(identity.name)}".rstrip()


def _code(pairing: Pairing, now: datetime) -> str:
    minutes = max(0, round((pairing.expires_at - now).total_seconds() / 60))
    if _for_owner(pairing):
        return (
            f"Nobody owns me on {pairing.platform} yet: send me “/start {pairing.code}” there "
            f"within {minutes} min to become the owner."
        )
    who = f"{pairing.platform}:{pairing.platform_id}"
    return (
        f"waiting {who}  {_printable(pairing.name)}: navi-bot pair approve {pairing.code} "
        f"({minutes} min left)"
    )


def _for_owner(pairing: Pairing) -> bool:
    return pairing.role is Role.OWNER


def _printable(name: str) -> str:
    """Return a stranger's name so that it cannot draw on the operator's terminal."""
    return "".join(letter if letter.isprintable() else "?" for letter in name)
