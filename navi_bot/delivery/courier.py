"""The calls to a platform, each with a deadline, each failure an error of the tree."""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

import structlog

from navi_bot.delivery.actions import Call, Delete, Edit, Send
from navi_bot.errors import Ambiguous, NaviError
from navi_bot.messages import Head
from navi_bot.ports.platform import Outbound

log = structlog.get_logger()

T = TypeVar("T")

CALL_DEADLINE, UPLOAD_DEADLINE = 30.0, 120.0
"""Seconds; after that nobody knows whether the call had its effect."""


async def within(deadline: float, call: Awaitable[T]) -> T:
    """Await a call to the platform. Raises errors of the tree only.

    One that does not end in time, or in a way that the adapter does not know,
    is Ambiguous: it may have had its effect.
    """
    try:
        async with asyncio.timeout(deadline):
            return await call
    except NaviError:
        raise
    except TimeoutError as error:
        raise Ambiguous("The platform did not answer in time.") from error
    except Exception as error:
        log.exception("adapter_failed")
        raise Ambiguous("The adapter failed in a way that it does not know.") from error


async def make_call(outbound: Outbound, head: Head, call: Call) -> str:
    """Make a post's call; return the message id after a send, "" otherwise."""
    match call:
        case Send(page=page):
            sending = outbound.send(
                head.address,
                page,
                transaction=call.transaction,
                reply_to=head.reply_to if call.with_reply else "",
                silent=head.silent,
                plain=call.plain,
                final=call.final,
            )
            deadline = CALL_DEADLINE if page.document is None else UPLOAD_DEADLINE
            return await within(deadline, sending)
        case Edit(page=page):
            editing = outbound.edit(
                head.address,
                call.message_id,
                page,
                transaction=call.transaction,
                final=call.final,
                plain=call.plain,
            )
            await within(CALL_DEADLINE, editing)
        case Delete(message_id=message_id):
            await within(CALL_DEADLINE, outbound.delete(head.address, message_id))
    return ""
