"""Commands about reminders: set them, list them, see to them; the person's time zone."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from navi_bot.access import Who
from navi_bot.agenda import Agenda
from navi_bot.commands.table import Ask, Command, Desk, RecallDesk, Reply, refuse, say
from navi_bot.errors import PersonError
from navi_bot.messages import Button, Line
from navi_bot.ports.recall import Recall, Receipt
from navi_bot.schedule.echo import clock_told, distance_told, rule_told, wall_told
from navi_bot.schedule.occurrence import first
from navi_bot.schedule.reading import HOW
from navi_bot.schedule.rule import Cron, Immediate, Once, Recurrence, moved, zone_of
from navi_bot.schedule.zone import wall_of, zone_named
from navi_bot.texts import recall as texts

SHOWN = 80
"""Characters of a text in a list."""

MOST_LISTED = 20
RECEIPTS = 15

IMPORTANT = "important"
"""As the first word of /remind: it comes again until Done is pressed."""

ON_TIME = 60.0
"""Seconds after which a receipt says how late it was."""

SNOOZES = {"10m": "in 10 minutes", "1h": "in 1 hour", "1d": "tomorrow"}

Act = Callable[[Agenda, int, str], Awaitable[str]]


async def remind(ask: Ask, desk: Desk) -> Reply:
    """Keep a reminder, and say when it comes."""
    words = ask.arguments
    important = words.lower().startswith((f"{IMPORTANT} ", "! "))
    if important:
        words = words.partition(" ")[2].strip()
    if not words:
        return say(texts.NO_TEXT(how=HOW))
    kept = await _agenda(ask, desk).remind(words, important=important)
    number = kept.recall.id
    buttons = (
        Button(texts.BUTTON_CANCEL(), f"recall:cancel:{number}", "danger"),
        Button(texts.BUTTON_CHANGE(), f"recall:change:{number}"),
    )
    reply = say(kept.text, buttons)
    if kept.asks:
        reply = replace(reply, blocks=(*reply.blocks, Line(kept.asks, "dim")))
    return reply


async def recalls(ask: Ask, desk: Desk) -> Reply:
    """List reminders, or do something about one by its number."""
    act, _, rest = ask.arguments.partition(" ")
    if not act:
        return await _listed(ask, desk)
    if act.lower() == "history":
        return await _history(ask, desk)
    number, _, more = rest.strip().partition(" ")
    number = number.removeprefix("#").rstrip(".")
    if act.lower() not in _TYPED or not number.isdecimal():
        return refuse(ask, texts.USAGE(how=texts.LIST_HOW()))
    return say(await _TYPED[act.lower()](_agenda(ask, desk), int(number), more.strip()))


async def _listed(ask: Ask, desk: Desk) -> Reply:
    found = await _agenda(ask, desk).listed(here=ask.head.group)
    if not found:
        return say(texts.NONE())
    now = desk.now()
    lines = [Line(texts.LISTED(), "bold")]
    lines += [Line(_line(recall, now)) for recall in found[:MOST_LISTED]]
    lines.append(Line(texts.LIST_HOW(), "dim"))
    buttons = tuple(
        (
            Button(f"{texts.BUTTON_SKIP()} {recall.id}", f"recall:skip:{recall.id}"),
            Button(f"{texts.BUTTON_CANCEL()} {recall.id}", f"recall:cancel:{recall.id}", "danger"),
        )
        for recall in found[:MOST_LISTED]
    )
    return Reply(tuple(lines), buttons)


def _line(recall: Recall, now: datetime) -> str:
    rule = recall.plan.rule
    due = texts.AT_ONCE()
    if recall.due is not None and not isinstance(rule, Immediate):
        due = clock_told(recall.due, rule.zone, now)
    when = ", ".join(part for part in (due, rule_told(rule)) if part)
    line = texts.LINE(number=recall.id, when=when, text=_short(recall.plan.text))
    if not recall.held:
        return line
    return texts.LINE_HELD(line=line, room=recall.room_title or texts.A_CHAT())


def _short(text: str) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= SHOWN else f"{plain[:SHOWN]}…"


async def _history(ask: Ask, desk: Desk) -> Reply:
    """Show what became of the last ones, and how promises were kept this month."""
    known, now = _known(desk), desk.now()
    zone, _ = await _agenda(ask, desk).zone()
    receipts = await known.receipts.history(ask.person, RECEIPTS)
    local = now.astimezone(zone)
    month = local.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    kept = await known.receipts.reliability(ask.person, month)
    lines = [texts.HISTORY() if receipts else texts.NO_HISTORY()]
    lines += [_receipt(one, local) for one in receipts]
    if not kept.promised:
        return say("\n".join([*lines, texts.RELIABILITY_NONE()]))
    line = texts.RELIABILITY(
        promised=kept.promised,
        delivered=kept.delivered,
        on_time=kept.on_time,
        worst=distance_told(kept.worst),
        undelivered=kept.undelivered,
    )
    return say("\n".join([*lines, line]))


def _receipt(one: Receipt, local: datetime) -> str:
    """Return "✓ 21.11. 09:00 call mum: fired 09:00:00, delivered 09:00:01, done 09:04"."""
    zone = local.tzinfo
    told = []
    if one.fired_at is not None:
        told.append(texts.RECEIPT_FIRED(fired=f"{one.fired_at.astimezone(zone):%H:%M:%S}"))
    if one.sent_at is not None:
        late = (one.sent_at - one.due_at).total_seconds()
        sent = f"{one.sent_at.astimezone(zone):%H:%M:%S}"
        if late > ON_TIME:
            told.append(texts.RECEIPT_LATE(sent=sent, late=distance_told(late)))
        else:
            told.append(texts.RECEIPT_SENT(sent=sent))
    if one.acknowledged_at is not None:
        heard = f"{one.acknowledged_at.astimezone(zone):%H:%M}"
        told.append(texts.RECEIPT_HEARD(heard=heard))
    if one.sent_at is None and one.acknowledged_at is None:
        told.append(texts.RECEIPT_STATE(state=one.state))
    due = one.due_at.astimezone(zone)
    words = f"{due:%d.%m. %H:%M} {_short(one.text)}"
    mark = {"failed": "❌", "skipped": "⏭", "cancelled": "✗"}.get(one.state, "✓")
    return texts.RECEIPT(mark=mark, due=words, text=", ".join(told))


async def _skip(agenda: Agenda, number: int, _more: str) -> str:
    return await agenda.skip(number)


async def _cancel(agenda: Agenda, number: int, _more: str) -> str:
    return texts.CANCELLED(text=(await agenda.cancel(number)).plan.text)


async def _change(agenda: Agenda, number: int, more: str) -> str:
    if not more:
        return texts.CHANGE_HOW(number=number)
    return await agenda.change(number, when=more)


async def _snooze(agenda: Agenda, number: int, more: str) -> str:
    return await agenda.snooze(await agenda.last(number), more or SNOOZES["10m"])


async def _done(agenda: Agenda, number: int, _more: str) -> str:
    return await agenda.done(await agenda.last(number))


_TYPED: Mapping[str, Act] = {
    "skip": _skip,
    "cancel": _cancel,
    "delete": _cancel,
    "change": _change,
    "snooze": _snooze,
    "done": _done,
}


async def pressed(ask: Ask, desk: Desk) -> Reply:
    """Carry out a button: "done:12" and snoozes name what came, the others the recall."""
    act, _, number = ask.arguments.partition(":")
    if not number.isdecimal():
        return refuse(ask, texts.OVER())
    agenda = _agenda(ask, desk)
    if act == "done":
        told = await agenda.done(int(number))
    elif act in SNOOZES:
        told = await agenda.snooze(int(number), SNOOZES[act])
    elif act in _TYPED:
        told = await _TYPED[act](agenda, int(number), "")
    else:
        return refuse(ask, texts.OVER())
    return replace(say(told), toast=told)


async def tz(ask: Ask, desk: Desk) -> Reply:
    """Show or set the person's zone; ask about the reminders that were set in another."""
    known, now = _known(desk), desk.now()
    keep, _, zone = ask.arguments.partition(":")
    if ask.pressed and keep in ("local", "instant"):
        return await _moved(ask, known, keep, zone)
    old = await known.zones.zone(ask.person)
    if not ask.arguments:
        place = zone_named(old) if old else known.home
        shown = wall_told(wall_of(now, place), place)
        text = texts.TZ_IS if old else texts.TZ_UNSET
        return say(text(zone=place.key, now=shown))
    place = zone_named(ask.arguments)
    await known.zones.set_zone(ask.person, place.key)
    told = texts.TZ_SET(zone=place.key, now=wall_told(wall_of(now, place), place))
    others = [one for one in await known.book.active(ask.person) if _moves(one, place.key)]
    if not others:
        return say(told)
    question = texts.TZ_ASK(count=len(others), old=old or zone_of(others[0].plan.rule))
    data = f":{place.key}"
    return say(
        f"{told}\n{question}",
        (Button(texts.TZ_LOCAL(zone=place.key), f"tz:local{data}", person=ask.person),),
        (Button(texts.TZ_INSTANT(), f"tz:instant{data}", person=ask.person),),
    )


def _moves(recall: Recall, zone: str) -> bool:
    """Whether a recall comes at another instant when its clock time is one of that zone."""
    rule = recall.plan.rule
    return isinstance(rule, Once | Cron | Recurrence) and rule.zone.key != zone


async def _moved(ask: Ask, known: RecallDesk, keep: str, zone: str) -> Reply:
    """Give the person's reminders their clock time in the new zone, or leave them."""
    if keep == "instant":
        return Reply(say(texts.TZ_KEPT()).blocks, toast=texts.TZ_KEPT(), replace=True)
    place, now, count = zone_named(zone), datetime.now(UTC), 0
    for recall in await known.book.active(ask.person):
        if not _moves(recall, zone):
            continue
        plan = replace(recall.plan, rule=moved(recall.plan.rule, place))
        # A time that is past there is due at once rather than never.
        due = first(plan.rule, now - timedelta(days=1)) or first(Immediate(), now)
        if due is not None and due.instant < now:
            due = first(plan.rule, now) or due
        count += due is not None and await known.book.change(recall.id, plan, due)
    told = texts.TZ_MOVED(count=count, zone=place.key)
    return Reply(say(told).blocks, toast=told, replace=True)


def _agenda(ask: Ask, desk: Desk) -> Agenda:
    return _known(desk).agenda(ask.person, ask.head.room, ask.role)


def _known(desk: Desk) -> RecallDesk:
    if desk.recalls is None:
        raise PersonError(texts.NONE())
    return desk.recalls


COMMANDS = (
    Command("remind", Who.ANYONE, texts.HELP_REMIND, remind),
    Command("recalls", Who.ANYONE, texts.HELP_RECALLS, recalls),
    Command("recall", Who.ANYONE, texts.HELP_BUTTON, pressed, hidden=True),
    Command("tz", Who.ANYONE, texts.HELP_TZ, tz),
)
