"""Who may do what before anybody has told us more: those whom the settings name."""

from collections.abc import Collection

from navi_bot.messages import Role


class Listed:
    """Implements the Rights port over a list of owners' full ids."""

    def __init__(self, owners: Collection[str]) -> None:
        self._owners = frozenset(owners)

    async def role(self, who: str) -> Role:
        return Role.OWNER if who in self._owners else Role.GUEST

    async def expects_strangers(self) -> bool:
        return False
