"""Promise 5: a stranger gets nothing but, if the operator allows, one pairing code."""

import asyncio
from dataclasses import replace

import asyncpg
import pytest
from rooms.stage import ANN, BOB, EVE, PLATFORM, TEAM, Stage, origin, private, said

from navi_bot.messages import (
    Edited,
    Inbound,
    Left,
    Line,
    Moved,
    Pressed,
    Returned,
    Role,
    Said,
    Sender,
    Withdrawn,
)
from navi_bot.texts import commands as command_texts
from navi_bot.texts import rooms as texts

TABLES = ("rooms", "people", "identities", "inbox", "turns", "outbox", "sessions")


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    return Stage(database)


async def link(stage: Stage) -> str:
    """Return the code of the link that the operator is shown."""
    pairing = await stage.people.offer(Role.OWNER, PLATFORM, "", "")
    assert pairing is not None
    return pairing.code


async def role(stage: Stage, who: Sender) -> str:
    found = {one.platform_id: one.role.value for one in await stage.people.identities()}
    return found.get(who.id, "")


async def test_whoever_opens_the_link_is_the_owner(stage: Stage) -> None:
    await stage.hear(said(f"/start {await link(stage)}"))
    assert stage.delivery.texts() == [texts.WELCOME_OWNER(name="Ann")]
    assert await role(stage, ANN) == "owner"
    await stage.hear(said("hello"))
    assert await stage.questions() == ["hello"]


async def test_the_link_is_good_for_one_person(stage: Stage) -> None:
    code = await link(stage)
    await stage.hear(said(f"/start {code}"), said(f"/start {code}", EVE))
    assert stage.delivery.texts(private(EVE)) == []
    assert await role(stage, EVE) == ""


async def test_of_two_who_open_it_at_once_one_is_the_owner(stage: Stage) -> None:
    code = await link(stage)
    async with stage.rooms() as rooms:
        await asyncio.gather(
            rooms.accept([said(f"/start {code}")], ""),
            rooms.accept([said(f"/start {code}", BOB)], ""),
        )
    assert sorted([await role(stage, ANN), await role(stage, BOB)]) == ["", "owner"]
    assert len(stage.delivery.texts()) == 1


async def test_a_link_left_open_is_worth_nothing_once_somebody_owns_the_bot(stage: Stage) -> None:
    first, second = await link(stage), await link(stage)
    await stage.hear(said(f"/start {first}"), said(f"/start {second}", EVE))
    assert await role(stage, EVE) == ""


async def test_opening_it_twice_greets(stage: Stage) -> None:
    """The owner taps the link again: a greeting, no second owner, no refusal."""
    code = await link(stage)
    await stage.hear(said(f"/start {code}"), said(f"/start {code}"))
    assert stage.delivery.texts()[1].startswith(command_texts.GREETING(name="Ann"))


async def test_a_member_with_a_wrong_link_is_greeted(stage: Stage) -> None:
    await stage.let_in(BOB, Role.MEMBER)
    await stage.hear(said("/start guess", BOB))
    assert stage.delivery.texts()[0].startswith(command_texts.GREETING(name="Bob"))
    assert await role(stage, BOB) == "member"


async def test_guessing_leads_nowhere(stage: Stage) -> None:
    code = await link(stage)
    guesses = [said(f"/start {code[:-1]}{sign}", EVE) for sign in "!?.,;"]
    await stage.hear(*guesses, said(f"/start {code}", EVE))
    assert await role(stage, EVE) == "", "five wrong ones shut an identity out"
    assert stage.delivery.texts() == []


async def test_a_blocked_person_cannot_use_the_link_up(stage: Stage) -> None:
    await stage.let_in(EVE, Role.BLOCKED)
    code = await link(stage)
    await stage.hear(said(f"/start {code}", EVE), said(f"/start {code}"))
    assert stage.delivery.texts(private(EVE)) == []
    assert await role(stage, ANN) == "owner"


async def test_a_link_that_was_used_as_we_crashed_makes_the_owner(stage: Stage) -> None:
    """Redeemed, and then nothing: the platform delivers the message again."""
    code = await link(stage)
    await stage.people.redeem(code, PLATFORM, ANN.id, "Ann")
    await stage.hear(said(f"/start {code}"))
    assert await role(stage, ANN) == "owner"
    assert len(stage.delivery.texts()) == 1


def everything_of(who: Sender) -> list[Inbound]:
    """Return one of each event that a stranger can cause."""
    group = origin(who, TEAM)
    return [
        said("hello", who),
        said("hello", who, TEAM),
        said("/start", who),
        said("/start 12345", who),
        said("/stop@navi_bot", who, TEAM),
        said("/profile server_admin", who),
        said(" ", who),
        said("x" * 200_000, who),
        said("old", who, minutes_old=10_000),
        replace(said("forwarded", who), forwarded_from="Ann"),
        Edited(replace(group, key="e"), "edited"),
        Withdrawn(replace(group, key="w")),
        Left(replace(group, key="l"), "kicked"),
        Returned(replace(group, key="r")),
        Moved(replace(group, key="m"), "-1007"),
        Pressed(replace(group, key="p"), "stop:1", "p1"),
    ]


STRANGERS = {
    "a stranger": EVE,
    "a bot": Sender("77", "Echo", is_bot=True),
    "an anonymous admin with the owner's id": replace(ANN, rightless=True),
    "a channel": Sender("-100777", "News", rightless=True),
    "somebody called like the owner": Sender("66", "Ann"),
}


@pytest.mark.parametrize("who", STRANGERS.values(), ids=STRANGERS.keys())
async def test_a_stranger_gets_nothing_and_leaves_nothing(stage: Stage, who: Sender) -> None:
    await stage.let_in(ANN, Role.OWNER)
    stage.policy = replace(stage.policy, pairing=False)
    before = [await stage.count(table) for table in TABLES]
    await stage.hear(*everything_of(who))
    assert stage.delivery.order == []
    assert stage.delivery.reactions == []
    assert [await stage.count(table) for table in TABLES] == before
    assert stage.delivery.toasts == {"p1": texts.NOT_ALLOWED()}


async def test_a_blocked_person_gets_nothing_where_codes_are_given(stage: Stage) -> None:
    await stage.let_in(EVE, Role.BLOCKED)
    stage.policy = replace(stage.policy, pairing=True)
    await stage.hear(*everything_of(EVE))
    assert stage.delivery.order == []


async def test_a_stranger_is_given_one_code_where_that_is_allowed(stage: Stage) -> None:
    stage.policy = replace(stage.policy, pairing=True)
    await stage.let_in(ANN, Role.OWNER)
    await stage.hear(*everything_of(EVE))
    await stage.hear(said("hello?", EVE), said("hello??", EVE))
    (pairing,) = await stage.people.pending()
    assert stage.delivery.texts() == [texts.PAIRING(code=pairing.code)]
    assert await stage.count("turns") == 0


async def test_the_code_lets_them_in_once_the_operator_says_so(stage: Stage) -> None:
    stage.policy = replace(stage.policy, pairing=True)
    await stage.hear(said("hello", EVE))
    (pairing,) = await stage.people.pending()
    await stage.people.approve(pairing.code)
    await stage.hear(said("now?", EVE))
    assert await stage.questions() == ["now?"]


async def test_many_strangers_are_given_three_codes(stage: Stage) -> None:
    """T1: the number of open codes is bounded, whatever comes."""
    stage.policy = replace(stage.policy, pairing=True)
    crowd = [Sender(str(number), "Bot net") for number in range(1000, 1040)]
    await stage.hear(*(said("let me in", who) for who in crowd))
    assert len(stage.delivery.texts()) == 3
    assert await stage.count("rooms") == 3


async def test_a_code_is_given_again_after_a_crash(stage: Stage) -> None:
    """Offered and stored, not said: it is said at the next start, and is the same."""
    stage.policy = replace(stage.policy, pairing=True)
    pairing = await stage.people.offer(Role.MEMBER, PLATFORM, EVE.id, "Eve")
    assert pairing is not None
    await stage.inbox.take(said("hello", EVE), None, None, "")
    await stage.restart()
    assert stage.delivery.texts() == [texts.PAIRING(code=pairing.code)]


async def test_a_code_that_is_over_is_not_told(stage: Stage) -> None:
    stage.policy = replace(stage.policy, pairing=True)
    await stage.inbox.take(said("hello", EVE), None, None, "")
    await stage.restart()
    assert stage.delivery.texts() == []


async def test_groups_are_answered_only_when_they_speak_to_the_bot(stage: Stage) -> None:
    """C-05: a mention or a reply, or a command."""
    await stage.let_in(ANN, Role.OWNER)
    talk = replace(said("talk", room=TEAM), addressed=False)
    await stage.hear(talk, said("to you", room=TEAM))
    await stage.hear(replace(said("/whoami", room=TEAM), addressed=False))
    assert await stage.questions() == ["to you"]
    assert stage.delivery.texts() == ["You are telegram:5, my owner."]


async def test_in_groups_a_reply_names_what_it_answers(stage: Stage) -> None:
    await stage.let_in(ANN, Role.OWNER)
    group, alone = said("/whoami", room=TEAM), said("/whoami")
    await stage.hear(group)
    assert stage.delivery.last.head.reply_to == group.origin.message_id
    assert stage.delivery.last.head.group
    await stage.hear(alone)
    assert stage.delivery.last.head.reply_to == ""


async def test_who_asks_in_a_group_is_known_to_the_turn_as_data(stage: Stage) -> None:
    """Two people in one group: each turn knows its own asker, by id."""
    await stage.let_in(ANN, Role.OWNER)
    await stage.let_in(BOB, Role.MEMBER)
    await stage.hear(said("one", ANN, TEAM), said("two", BOB, TEAM))
    room = await stage.room(TEAM)
    askers = []
    for _ in range(2):
        start = await stage.turns.claim(room)
        assert start is not None
        askers.append((start.asker_name, start.asker_platform_id, start.asker_role))
        await stage.turns.finish(start.id, "done", (), None, ())
    assert askers == [("Ann", "5", Role.OWNER), ("Bob", "6", Role.MEMBER)]


async def test_a_name_is_never_markup(stage: Stage) -> None:
    evil = Sender("5", "**Ann** [x](http://evil)\n/stop {code}")
    await stage.let_in(evil, Role.OWNER)
    await stage.hear(said("/start", evil))
    assert all(isinstance(block, Line) for block in stage.delivery.last.pages[0].blocks)
    assert "[x](http://evil)" in stage.delivery.texts()[0]


def test_a_stranger_is_tried_in_every_way() -> None:
    """A new kind of event is added to the list above."""
    kinds = {type(inbound) for inbound in everything_of(EVE)}
    assert kinds == {Said, Edited, Withdrawn, Pressed, Left, Returned, Moved}
