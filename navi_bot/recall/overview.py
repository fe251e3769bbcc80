"""What the operator sees of reminders at the command line: a list, or a calendar."""

from datetime import datetime
from zoneinfo import ZoneInfo

from navi_bot.ports.recall import Recall, RecallBook, Receipts
from navi_bot.schedule.echo import distance_told, instant_told, rule_told
from navi_bot.schedule.ics import Entry, calendar
from navi_bot.schedule.rule import Immediate

SHOWN = 60
"""Characters of a text in the list."""


async def overview(
    book: RecallBook, receipts: Receipts, home: ZoneInfo, now: datetime
) -> tuple[str, ...]:
    """Return a line for each reminder that waits, and how promises were kept this month."""
    lines = [_line(recall, home) for recall in await book.active()]
    month = now.astimezone(home).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    kept = await receipts.reliability(None, month)
    lines.append(
        f"This month: {kept.promised} promised, {kept.delivered} delivered, {kept.on_time} within "
        f"a minute, the latest {distance_told(kept.worst)} late, {kept.undelivered} undelivered."
    )
    return tuple(lines)


async def exported(book: RecallBook, now: datetime) -> str:
    """Return what waits as an iCalendar file."""
    return calendar(
        (
            Entry(recall.id, recall.plan.text, recall.plan.rule, recall.due)
            for recall in await book.active()
            if recall.due is not None
        ),
        now,
    )


def _line(recall: Recall, home: ZoneInfo) -> str:
    rule = recall.plan.rule
    zone = home if isinstance(rule, Immediate) else rule.zone
    due = instant_told(recall.due, zone) if recall.due is not None else "-"
    when = ", ".join(part for part in (due, rule_told(rule)) if part)
    text = " ".join(recall.plan.text.split())
    told = "".join(letter if letter.isprintable() else "?" for letter in text[:SHOWN])
    held = "  (waits: its chat cannot be written to)" if recall.held else ""
    return f"{recall.id}  {recall.plan.kind:<8} {recall.person_name}  {when}: {told}{held}"
