"""A streamed answer as a whole."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import replace

from navi_bot.errors import ModelTimeout
from navi_bot.ports.model import Chunk


async def gathered(stream: AsyncGenerator[Chunk], within: float) -> Chunk:
    """Return all chunks as one; ModelTimeout when it takes more than `within` seconds."""
    whole = Chunk()
    try:
        async with asyncio.timeout(within), aclosing(stream) as chunks:
            async for chunk in chunks:
                whole = replace(
                    chunk,
                    text=whole.text + chunk.text,
                    thinking=whole.thinking + chunk.thinking,
                    tool_calls=whole.tool_calls + chunk.tool_calls,
                )
    except TimeoutError as error:
        raise ModelTimeout(f"The model gave no whole answer within {within:.0f} s.") from error
    return whole
