"""A room's address in rows: as it is stored, and as it is read."""

import asyncpg

from navi_bot.messages import Address, ChatKind, Head, RoomId
from navi_bot.store import codec


def place(address: Address) -> tuple[str, str, str, str]:
    """Return a room's address as it is stored."""
    return address.platform, address.account, codec.clean(address.chat), codec.clean(address.thread)


def head_of(row: asyncpg.Record, room: RoomId, key: str) -> Head:
    """Return the head of a post in a room, from a row with the room's columns."""
    address = Address(row["platform"], row["account"], row["chat"], row["thread"])
    return Head(key, room, address, group=row["kind"] == ChatKind.GROUP.value)
