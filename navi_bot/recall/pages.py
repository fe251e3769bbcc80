"""How reminders look: what is told, when it was due, the buttons. Pure."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from navi_bot.messages import Block, Button, Head, Line, Page, Post
from navi_bot.ports.recall import Case
from navi_bot.schedule.echo import clock_told, distance_told
from navi_bot.schedule.occurrence import Occurrence
from navi_bot.schedule.rule import Immediate, recurs
from navi_bot.schedule.zone import zone_named
from navi_bot.texts import recall as texts

LATE = timedelta(seconds=60)
"""From here on a delivery says that it is late."""

SHOWN = 3000
"""Characters of a text on one page; the smallest platform takes 4,096."""

IN_DIGEST = 120
"""Characters of a text in a digest's line."""


def zone_of(case: Case) -> ZoneInfo:
    """Return the zone in which a case's times are told: its rule's, else its person's."""
    rule = case.recall.plan.rule
    if not isinstance(rule, Immediate):
        return rule.zone
    return zone_named(case.timezone) if case.timezone else ZoneInfo("UTC")


def is_late(case: Case) -> bool:
    return case.now - case.due_at > LATE and not isinstance(case.recall.plan.rule, Immediate)


def reminder_post(case: Case, following: Occurrence | None, missed: int) -> Post:
    """Return the message of a reminder that is due."""
    text = texts.REMINDER(text=case.recall.plan.text[:SHOWN])
    page = Page((*lines(text), *due_lines(case, following, missed)), buttons(case))
    # A post that was given up keeps its key: another try is another post.
    key = f"recall:{case.id}:{case.tries}" if case.tries else f"recall:{case.id}"
    return Post(replace(case.head, key=key), (page,))


def again_post(case: Case, most: int) -> Post:
    """Return the message that repeats one which nobody has heard."""
    number = case.nagged + 1
    text = texts.AGAIN(number=number, most=most, text=case.recall.plan.text[:SHOWN])
    page = Page(tuple(lines(text)), buttons(case))
    return Post(replace(case.head, key=f"recall:{case.id}:again:{number}"), (page,))


def plain_post(case: Case, part: str, *told: str, head: Head | None = None) -> Post:
    """Return a message of plain lines about a case, in its room or in another one."""
    blocks = [block for text in told for block in lines(text[: SHOWN + 200])]
    page = Page((*blocks, *due_lines(case, None, 0)), () if head else buttons(case))
    return Post(replace(head or case.head, key=f"recall:{case.id}:{case.tries}:{part}"), (page,))


def digest_post(cases: Sequence[Case]) -> Post:
    """Return one message, of several pages if need be, for many that are overdue."""
    blocks: list[Line] = []
    for case in cases:
        due = clock_told(case.due_at, zone_of(case), case.now)
        text = " ".join(case.recall.plan.text.split())
        short = text if len(text) <= IN_DIGEST else f"{text[:IN_DIGEST]}…"
        blocks.append(Line(texts.DIGEST_LINE(due=due, text=short)))
    title = Line(texts.DIGEST(count=len(cases)), "bold")
    pages = [tuple(blocks[at : at + 20]) for at in range(0, len(blocks), 20)]
    first = Page((title, *pages[0]))
    head = replace(cases[0].head, key=f"recalls:{cases[0].id}:{cases[0].tries}")
    return Post(head, (first, *(Page(page) for page in pages[1:])))


def returned_post(head: Head, count: int, now: datetime) -> Post:
    """Return what a room is told that can be written to again."""
    text = texts.RETURNED_ONE() if count == 1 else texts.RETURNED(count=count)
    key = f"recalls:back:{head.room}:{int(now.timestamp())}"
    return Post(replace(head, key=key), (Page((Line(text),)),))


def lines(text: str) -> list[Block]:
    return [Line(line) for line in text.splitlines() if line.strip()]


def due_lines(case: Case, following: Occurrence | None, missed: int) -> list[Block]:
    """Say when it was due, how late that is, what was meant and what comes next."""
    return [Line(" ".join(due_words(case, following, missed)), "dim")]


def due_words(case: Case, following: Occurrence | None, missed: int) -> list[str]:
    zone = zone_of(case)
    due = clock_told(case.due_at, zone, case.now)
    told = texts.DUE(due=due)
    if is_late(case):
        late = distance_told((case.now - case.due_at).total_seconds())
        told = texts.LATE(due=due, late=late)
    words = [texts.FOR(name=case.recall.person_name) + "."] if case.head.group else []
    words.append(told)
    if case.meant:
        meant = f"{datetime.fromisoformat(case.meant):%H:%M}"
        words.append(texts.GAP(meant=meant, due=f"{case.due_at.astimezone(zone):%H:%M}"))
    if missed:
        words.append(texts.MISSED(count=missed) if missed > 1 else texts.MISSED_ONCE())
    if following is not None:
        words.append(texts.NEXT(next=clock_told(following.instant, zone, case.now)))
    return words


def buttons(case: Case) -> tuple[tuple[Button, ...], ...]:
    """Return what can be done about one that came; who may, is looked at when it is pressed."""
    return fired_buttons(case.id, case.recall.id, recurring=recurs(case.recall.plan.rule))


def fired_buttons(
    occurrence: int, recall: int, *, recurring: bool
) -> tuple[tuple[Button, ...], ...]:
    rows: list[tuple[Button, ...]] = [
        (
            Button(texts.BUTTON_DONE(), f"recall:done:{occurrence}", "success"),
            Button(texts.BUTTON_TEN(), f"recall:10m:{occurrence}"),
            Button(texts.BUTTON_HOUR(), f"recall:1h:{occurrence}"),
            Button(texts.BUTTON_TOMORROW(), f"recall:1d:{occurrence}"),
        )
    ]
    if recurring:
        rows.append(
            (
                Button(texts.BUTTON_SKIP(), f"recall:skip:{recall}"),
                Button(texts.BUTTON_CANCEL(), f"recall:cancel:{recall}", "danger"),
                Button(texts.BUTTON_CHANGE(), f"recall:change:{recall}"),
            )
        )
    return tuple(rows)
