"""What a sync left out of a room, fetched backwards to the point that we know.

After an absence a sync holds a room's newest events alone and says that there
are more. They are asked for up to the token of the last sync, no more than a
bound a room; beyond it they are counted, so that people can be told.
"""

from dataclasses import dataclass
from typing import Any

import nio

from adapters.matrix.homeserver import Homeserver

COUNTED = 5_000
"""Further events that are counted at most."""
PAGE, COUNT_PAGE = 100, 500
"""Events asked for at once."""

_SAID = ("m.room.message", "m.room.encrypted")


@dataclass(frozen=True, slots=True)
class Stretch:
    """A room's events, oldest first; `missed` messages before them were not fetched."""

    events: tuple[nio.Event, ...]
    missed: int = 0
    joined: bool = False
    """We came into the room since then."""


async def stretch(homeserver: Homeserver, room: str, info: Any, since: str, most: int) -> Stretch:
    """Return the events of a room after the token `since`, at most `most` before the sync's.

    In a room that we have just joined it is all since our invitation: what
    was said before was not said to us.
    """
    me = homeserver.user_id
    events = [event for event in info.timeline.events if isinstance(event, nio.Event)]
    state = [event for event in info.state if isinstance(event, nio.Event)]
    joined = any(_is_ours(event, me, "join") for event in (*state, *events))
    missed = 0
    if info.timeline.limited and info.timeline.prev_batch and not _begins(events, me, joined):
        until = "invite" if joined else ""
        token = info.timeline.prev_batch
        earlier, missed = await _before(homeserver, room, token, since, most, until)
        events = [*earlier, *events]
    events = _after_invitation(events, me) if joined else events
    return Stretch(tuple(events), missed, joined)


def _begins(events: list[nio.Event], me: str, joined: bool) -> bool:
    """Whether the events reach back to our invitation already."""
    return joined and any(_is_ours(event, me, "invite") for event in events)


async def _before(
    homeserver: Homeserver, room: str, token: str, since: str, most: int, until: str
) -> tuple[list[nio.Event], int]:
    """Return events before a token, oldest first, and how many messages are before those."""
    me, found, missed, seen = homeserver.user_id, list[nio.Event](), 0, 0
    while seen < most + COUNTED:
        page = PAGE if len(found) < most else COUNT_PAGE
        call = homeserver.client.room_messages(room, start=token, end=since or None, limit=page)
        answer = await homeserver.answered(call)
        chunk = [event for event in answer.chunk if isinstance(event, nio.Event)]
        seen += len(answer.chunk)
        for event in chunk:
            if len(found) < most:
                found.append(event)
            else:
                missed += event.sender != me and event.source.get("type") in _SAID
        reached = until and any(_is_ours(event, me, until) for event in chunk)
        if not answer.chunk or not answer.end or reached or answer.end == token:
            break
        token = answer.end
    return found[::-1], missed


def _after_invitation(events: list[nio.Event], me: str) -> list[nio.Event]:
    """Return what came after we were invited, or, where that is not seen, joined."""
    for membership in ("invite", "join"):
        places = [place for place, one in enumerate(events) if _is_ours(one, me, membership)]
        if places:
            return events[places[-1] + 1 :]
    return events


def _is_ours(event: nio.Event, me: str, membership: str) -> bool:
    source = event.source
    return (
        source.get("type") == "m.room.member"
        and source.get("state_key") == me
        and source.get("content", {}).get("membership") == membership
    )
