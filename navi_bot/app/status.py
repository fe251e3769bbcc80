"""The daemon's own lines of /status."""

import time
from collections.abc import Callable

from navi_bot.app.aftermath import Aftermath
from navi_bot.app.online import Online
from navi_bot.texts import commands as texts
from navi_bot.texts import safe_mode as safe_texts


def status_lines(
    online: Online,
    aftermath: Aftermath,
    database: str,
    clock: Callable[[], float] = time.monotonic,
    *,
    safe: bool = False,
) -> tuple[str, ...]:
    """Return how accounts, delivery, prompt cache and database are."""
    lines: list[str] = [safe_texts.STATUS()] if safe else []
    for adapter, reconciler in online.all():
        if adapter.platform == "console":
            continue  # whoever reads this there sees that it works
        if adapter.trouble:
            lines.append(texts.STATUS_TROUBLE(platform=adapter.platform, trouble=adapter.trouble))
        else:
            seconds = round(clock() - adapter.last_contact)
            lines.append(texts.STATUS_ADAPTER(platform=adapter.platform, seconds=seconds))
        counts = reconciler.counts
        lines.append(
            texts.STATUS_DELIVERY(
                sends=counts.sends,
                edits=counts.edits,
                throttled=counts.throttled,
                doubted=counts.doubted,
                refused=counts.refused,
            )
        )
    if aftermath.prefix_share is not None:
        lines.append(texts.STATUS_PREFIX(share=round(100 * aftermath.prefix_share)))
    lines.append(texts.STATUS_DATABASE(database=database))
    return tuple(lines)
