"""What one person may do about recalls, by command or through the model.

Times are read and told here, and rights looked at: in a group those who set
a recall up and owners may change it; elsewhere it is its person's alone.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from navi_bot.errors import PersonError
from navi_bot.messages import PersonId, Role, RoomId
from navi_bot.ports.recall import (
    Kept,
    OccurrenceId,
    Plan,
    Recall,
    RecallBook,
    RecallId,
    Wanted,
    Zones,
)
from navi_bot.schedule.echo import instant_told, rule_told, told
from navi_bot.schedule.occurrence import Occurrence, after, first
from navi_bot.schedule.reading import HOW, read, read_with_text
from navi_bot.schedule.rule import Immediate, Interval, Rule, recurs
from navi_bot.schedule.zone import zone_named
from navi_bot.texts import recall as texts

MOST = 50
"""What the store keeps for one person."""

LONGEST_TEXT = 3000
"""Characters of a reminder or an instruction."""

TASK_MINUTES = 5
"""Minutes between two runs of a task at least: each costs the model host a turn."""


class Agenda:
    """The recalls that one person sees from one room. Raises PersonError, in a sentence."""

    def __init__(
        self,
        book: RecallBook,
        zones: Zones,
        person: PersonId,
        room: RoomId,
        role: Role,
        home: ZoneInfo,
        now: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """`home`: the zone of people who never named theirs."""
        self._book = book
        self._zones = zones
        self._person = person
        self._room = room
        self._role = role
        self._home = home
        self._now = now

    async def zone(self) -> tuple[ZoneInfo, str]:
        """Return the person's zone, and what to ask them when it is only assumed; once."""
        known = await self._zones.zone(self._person)
        if known:
            return zone_named(known), ""
        await self._zones.set_zone(self._person, self._home.key)
        return self._home, texts.ZONE_ASKED(zone=self._home.key)

    async def remind(self, sentence: str, *, important: bool = False) -> Kept:
        """Keep "tomorrow at 9 call mum"."""
        zone, asks = await self.zone()
        rule, text = read_with_text(sentence, self._now(), zone)
        if not text:
            raise PersonError(texts.NO_TEXT(how=HOW))
        plan = Plan(self._person, self._room, "reminder", text, rule, important)
        return await self._keep(plan, zone, asks)

    async def schedule(self, wanted: Wanted) -> Kept:
        """Keep what was asked for by its parts."""
        if not wanted.text.strip():
            raise PersonError(texts.NO_TEXT(how=HOW))
        zone, asks = (zone_named(wanted.zone), "") if wanted.zone else await self.zone()
        plan = Plan(
            person=self._person,
            room=self._room,
            kind=wanted.kind,
            text=wanted.text.strip(),
            rule=read(wanted.when, self._now(), zone),
            important=wanted.important,
            notify=wanted.notify,
            match=wanted.match.strip(),
        )
        return await self._keep(plan, zone, asks)

    async def _keep(self, plan: Plan, zone: ZoneInfo, asks: str) -> Kept:
        """Check and store a plan."""
        now = self._now()
        due = _checked(plan, now)
        recall = await self._book.add(plan, due)
        if recall is None:
            raise PersonError(texts.FULL(most=MOST))
        return Kept(recall, confirmation(recall, due, zone, now), asks)

    async def listed(self, *, here: bool = False) -> tuple[Recall, ...]:
        """Return the person's own, and in this room everybody's; `here`: this room's alone."""
        in_room = await self._book.active(room=self._room)
        if here:
            return in_room
        own = await self._book.active(person=self._person)
        known = {recall.id for recall in own}
        return own + tuple(recall for recall in in_room if recall.id not in known)

    async def cancel(self, number: int) -> Recall:
        recall = await self._mine(RecallId(number))
        if not await self._book.cancel(recall.id):
            raise PersonError(texts.OVER())
        return recall

    async def skip(self, number: int) -> str:
        """Leave the next time out; return how that is told."""
        recall = await self._mine(RecallId(number))
        if recall.due is None:
            raise PersonError(texts.OVER())
        then = after(recall.plan.rule, recall.due) if recurs(recall.plan.rule) else None
        if not await self._book.skip(recall.id, recall.due, then):
            raise PersonError(texts.OVER())
        zone = await self._place_of(recall)
        due = instant_told(recall.due, zone)
        if then is None:
            return texts.SKIPPED_LAST(due=due)
        return texts.SKIPPED(due=due, next=instant_told(then.instant, zone))

    async def change(self, number: int, when: str = "", text: str = "") -> str:
        """Change time, text or both; return how that is told."""
        recall = await self._mine(RecallId(number))
        plan, now = recall.plan, self._now()
        zone = await self._place_of(recall)
        if when:
            plan = replace(plan, rule=read(when, now, zone))
        if text:
            plan = replace(plan, text=text)
        due = _checked(plan, now)
        if not await self._book.change(recall.id, plan, due):
            raise PersonError(texts.OVER())
        return texts.CHANGED(told=_when(plan.rule, due, zone, now), text=plan.text)

    async def snooze(self, occurrence: int, words: str) -> str:
        """Have one that came come again; return how that is told."""
        number = OccurrenceId(occurrence)
        recall = await self._mine_of(number)
        now, zone = self._now(), await self._place_of(recall)
        due = first(read(words, now, zone), now)
        if due is None or not await self._book.snooze(number, due.instant):
            raise PersonError(texts.OVER())
        return texts.SNOOZED(told=told(due.instant, zone, now), text=recall.plan.text)

    async def done(self, occurrence: int) -> str:
        """Note that one that came was heard; return how that is told."""
        number = OccurrenceId(occurrence)
        recall = await self._mine_of(number)
        if not await self._book.acknowledge(number):
            raise PersonError(texts.OVER())
        return texts.DONE(text=recall.plan.text)

    async def last(self, number: int) -> OccurrenceId:
        """Return the time of a recall that came last."""
        recall = await self._mine(RecallId(number))
        found = await self._book.last_fired(recall.id)
        if found is None:
            raise PersonError(texts.OVER())
        return found

    async def _mine(self, number: RecallId) -> Recall:
        return self._allowed(await self._book.find(number), number)

    async def _mine_of(self, number: OccurrenceId) -> Recall:
        return self._allowed(await self._book.recall_of(number), number)

    def _allowed(self, recall: Recall | None, number: int) -> Recall:
        """Who cannot see a recall is not told that it is there."""
        own = recall is not None and recall.plan.person == self._person
        here = recall is not None and recall.plan.room == self._room
        if recall is None or not (own or here):
            raise PersonError(texts.NO_SUCH(number=number))
        if not own and self._role is not Role.OWNER:
            raise PersonError(texts.NOT_YOURS())
        return recall

    async def _place_of(self, recall: Recall) -> ZoneInfo:
        rule = recall.plan.rule
        return (await self.zone())[0] if isinstance(rule, Immediate) else rule.zone


def _checked(plan: Plan, now: datetime) -> Occurrence:
    """Return a plan's first time; PersonError says what is wrong with the plan."""
    if len(plan.text) > LONGEST_TEXT:
        raise PersonError(texts.TOO_LONG(most=LONGEST_TEXT))
    if plan.notify == "match" and not plan.match.strip():
        raise PersonError(texts.NO_MATCH())
    due = first(plan.rule, now)
    if due is None:
        raise PersonError(texts.NEVER())
    if plan.kind == "task" and recurs(plan.rule):
        then = after(plan.rule, due.instant)
        often = then and (then.instant - due.instant).total_seconds() < 60 * TASK_MINUTES
        if often or (isinstance(plan.rule, Interval) and plan.rule.seconds < 60 * TASK_MINUTES):
            raise PersonError(texts.TOO_OFTEN(minutes=TASK_MINUTES))
    return due


def confirmation(recall: Recall, due: Occurrence, zone: ZoneInfo, now: datetime) -> str:
    """Return the echo: the absolute local time, how far it is, and what about."""
    text = texts.CONFIRMED if recall.plan.kind == "reminder" else texts.CONFIRMED_TASK
    words = text(told=_when(recall.plan.rule, due, zone, now), text=recall.plan.text)
    if due.meant is None:
        return words
    clock = instant_told(due.instant, zone)
    return f"{words}\n{texts.GAP(meant=f'{due.meant:%H:%M}', due=clock)}"


def _when(rule: Rule, due: Occurrence, zone: ZoneInfo, now: datetime) -> str:
    if isinstance(rule, Immediate):
        return texts.AT_ONCE()
    absolute = told(due.instant, zone, now)
    return texts.RECURRING(told=absolute, rule=rule_told(rule)) if recurs(rule) else absolute
