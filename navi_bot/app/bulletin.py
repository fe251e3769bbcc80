"""How the daemon is, in one line: what `systemctl status` shows. Pure."""

from collections.abc import Iterable
from typing import Protocol

from navi_bot.ports.platform import Adapter


class Standing(Protocol):
    """An account that is served, or waits to be."""

    @property
    def adapter(self) -> Adapter: ...

    @property
    def state(self) -> str: ...


def bulletin(accounts: Iterable[Standing], *, safe: bool) -> str:
    """Name the accounts that are served, then what is wrong with which."""
    accounts = list(accounts)
    served = [one.adapter.platform for one in accounts if one.state == "online"]
    parts = ["safe mode"] if safe else []
    parts.append(f"serving {', '.join(served) or 'nobody yet'}")
    parts += [f"{one.adapter.platform}: {fault}" for one in accounts if (fault := _fault(one))]
    return "; ".join(parts)


def _fault(account: Standing) -> str:
    match account.state:
        case "online":
            return account.adapter.trouble
        case "ended":
            return "ended"
        case state:
            return account.adapter.trouble or state
