"""Who may do what on one platform, for an adapter that must know it."""

from navi_bot.messages import Role
from navi_bot.ports.store import People


class StoredRights:
    """Implements the Rights port over the database; `pairing`: strangers are given codes."""

    def __init__(self, people: People, platform: str, *, pairing: bool) -> None:
        self._people = people
        self._platform = platform
        self._pairing = pairing

    async def role(self, who: str) -> Role:
        """Return somebody's role, compared by the exact id."""
        for identity in await self._people.identities():
            if (identity.platform, identity.platform_id) == (self._platform, who):
                return identity.role
        return Role.GUEST

    async def expects_strangers(self) -> bool:
        """Answer whether somebody unknown may have something to say: a code, or a wish for one."""
        if self._pairing:
            return True
        if await self._people.owner_exists():
            return False
        codes = await self._people.pending()
        return any(one.role is Role.OWNER and one.platform == self._platform for one in codes)
