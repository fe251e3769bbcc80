"""What is done about occurrences, at each stage; pure.

due ........... a reminder is pushed, a task's turn is queued; many late
                ones of a room come in one digest
waiting ....... the room was busy for ten minutes: pushed as plain text
failed ........ tried again, after 30, 60, 120, 240 s; then a plain notice
undelivered ... the person's other room; then an owner is told, and it waits
                until its own room can be written to
unheard ....... again every ten minutes, five times
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from navi_bot.messages import Post, RoomId
from navi_bot.ports.recall import Case, OccurrenceState, Outcome, Stage
from navi_bot.ports.records import CalledBack, TurnRequest
from navi_bot.recall import pages
from navi_bot.schedule.echo import instant_told
from navi_bot.schedule.occurrence import Occurrence, after, missed
from navi_bot.schedule.rule import recurs
from navi_bot.texts import recall as texts

DIGEST_FROM = 21
"""Late reminders of one room that come in one message."""

TRIES = 5
FIRST_RETRY, LONGEST_RETRY = 30.0, 900.0
"""Seconds; the wait doubles from try to try."""

NAGS = 5
"""Repeats of an important one that nobody has heard."""

BUSY_MINUTES = 10

TITLE = 80
"""Characters of an instruction that head what its turn pushes."""


def decide(stage: Stage, cases: Sequence[Case]) -> list[Outcome]:
    """Return what is done about the cases at a stage, in their order."""
    match stage:
        case "due":
            return _due(cases)
        case "waiting":
            return [_busy(case) for case in cases]
        case "failed":
            return [_failed(case) for case in cases]
        case "undelivered":
            return [_undelivered(case) for case in cases]
        case "unheard":
            return [_unheard(case) for case in cases]


def _due(cases: Sequence[Case]) -> list[Outcome]:
    late = [case for case in cases if pages.is_late(case) and case.recall.plan.kind == "reminder"]
    rooms = Counter(case.head.room for case in late)
    many = {room for room, count in rooms.items() if count >= DIGEST_FROM}
    together: dict[RoomId, list[Case]] = {}
    for case in late:
        if case.head.room in many:
            together.setdefault(case.head.room, []).append(case)
    digests = {room: pages.digest_post(found) for room, found in together.items()}
    in_digest = {case.id for found in together.values() for case in found}
    outcomes = []
    for case in cases:
        following, count = _following(case)
        done = Outcome(case, "claimed", next=following, over=following is None)
        done = replace(done, tries=1, missed=count)
        if case.id in in_digest:
            done = replace(done, post=digests[case.head.room])
        elif case.recall.plan.kind == "reminder":
            done = replace(done, post=pages.reminder_post(case, following, count))
        else:
            done = replace(done, request=_request(case, following, count))
        outcomes.append(done)
    return outcomes


def _following(case: Case) -> tuple[Occurrence | None, int]:
    """Return the recall's next time, and how many were missed before it."""
    rule = case.recall.plan.rule
    if not recurs(rule) or case.tries:  # another try: the first one has seen to what follows
        return None, 0
    return after(rule, max(case.now, case.due_at)), missed(rule, case.due_at, case.now)


def _request(case: Case, following: Occurrence | None, count: int) -> TurnRequest:
    plan, recall = case.recall.plan, case.recall
    how = ""
    if plan.notify == "change" and recall.last_result:
        how = texts.TASK_CHANGE(last=recall.last_result)
    elif plan.notify == "match":
        how = texts.TASK_MATCH(match=plan.match)
    due = instant_told(case.due_at, pages.zone_of(case))
    text = texts.TASK(name=recall.person_name, due=due, how=how, text=plan.text)
    title = " ".join(plan.text.split())
    note = CalledBack(
        occurrence=case.id,
        recall=recall.id,
        title=title if len(title) <= TITLE else f"{title[:TITLE]}…",
        due=" ".join(pages.due_words(case, following, count)),
        recurs=recurs(plan.rule),
        notify=plan.notify,
        match=plan.match,
        last=recall.last_result,
    )
    return TurnRequest(text, kind="recall", called_back=note)


def _busy(case: Case) -> Outcome:
    text = texts.BUSY(minutes=BUSY_MINUTES, text=case.recall.plan.text)
    post = pages.plain_post(case, "busy", text)
    return Outcome(case, "claimed", post=post, drop_turn=True)


def _failed(case: Case) -> Outcome:
    if case.tries < TRIES:
        wait = min(FIRST_RETRY * 2 ** (case.tries - 1), LONGEST_RETRY)
        return Outcome(case, "due", fire_at=case.now + timedelta(seconds=wait))
    text = texts.NOT_DONE(tries=case.tries, text=case.recall.plan.text)
    told = [text, texts.NOT_DONE_WHY(reason=case.error)] if case.error else [text]
    return Outcome(case, "claimed", post=pages.plain_post(case, "notice", *told))


def _undelivered(case: Case) -> Outcome:
    """Go from the room to the person's other one; from there tell an owner, and wait.

    An owner learns that there was a reminder, not what it says; at the first try
    and when it is given up, not at each.
    """
    part = case.post.rpartition(":")[2]
    due = instant_told(case.due_at, pages.zone_of(case))
    if part != "elsewhere" and case.elsewhere is not None:
        room = case.recall.room_title or texts.A_CHAT()
        words = (texts.REMINDER(text=case.recall.plan.text), texts.ELSEWHERE(room=room))
        post = pages.plain_post(case, "elsewhere", *words, head=case.elsewhere)
        return Outcome(case, "claimed", post=post)
    state: OccurrenceState = "due" if case.tries <= TRIES else "failed"
    later = case.now + timedelta(seconds=LONGEST_RETRY)
    told: Post | None = None
    worth_telling = case.tries <= 1 or case.gone or state == "failed"
    if case.owners is not None and worth_telling:
        text = texts.FOR_OWNER(name=case.recall.person_name, due=due)
        told = pages.plain_post(case, "owner", text, head=case.owners)
    return Outcome(case, state, post=told, fire_at=None if case.gone else later)


def _unheard(case: Case) -> Outcome:
    return Outcome(case, "sent", post=pages.again_post(case, NAGS), nagged=1)
