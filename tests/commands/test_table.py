"""Every command is in one table; help, menus and rights come from it."""

import itertools

import asyncpg
import pytest
from rooms.stage import ANN, BOB, EVE, TEAM, TOPIC, Stage, private, said

from navi_bot.access import Who, may_use
from navi_bot.app.catalogue import all_commands, menu
from navi_bot.commands.about import start
from navi_bot.commands.table import MOST_CHOICES, Command, choices, collect
from navi_bot.errors import Bug
from navi_bot.messages import Address, ChatKind, PersonId, Role, Sender
from navi_bot.texts import Text
from navi_bot.texts import rooms as texts

LISTED: dict[str, Who] = {
    "start": Who.ANYONE,
    "help": Who.ANYONE,
    "status": Who.ANYONE,
    "whoami": Who.ANYONE,
    "new": Who.OWNER_IN_GROUPS,
    "profile": Who.OWNER_IN_GROUPS,
    "model": Who.OWNER_IN_GROUPS,
    "think": Who.OWNER_IN_GROUPS,
    "tools": Who.ANYONE,
    "notes": Who.ANYONE,
    "detail": Who.ANYONE,
    "usage": Who.ANYONE,
    "stop": Who.ANYONE,
    "retry": Who.ANYONE,
    "continue": Who.ANYONE,
    "remind": Who.ANYONE,
    "recalls": Who.ANYONE,
    "tz": Who.ANYONE,
    "agenda": Who.OWNER,
    "reload": Who.OWNER,
    "persona": Who.OWNER,
    "resume": Who.OWNER,
}
HIDDEN = {"fresh", "stale", "recall", "use"}


def test_these_are_the_commands() -> None:
    """A new command is named here, with who may use it."""
    table = all_commands()
    assert {name: one.who for name, one in table.items() if not one.hidden} == LISTED
    assert {name for name, one in table.items() if one.hidden} == HIDDEN


def test_the_menu_is_made_of_the_table() -> None:
    """Telegram's rules: names of a-z, 0-9 and _, at most 32; helps of at most 256."""
    entries = menu(all_commands())
    assert set(entries) == set(LISTED)
    for name, words in entries.items():
        assert name.isidentifier()
        assert name == name.lower()
        assert len(name) <= 32
        assert 3 <= len(words) <= 256


def test_two_commands_of_one_name_are_a_bug() -> None:
    one = Command("start", Who.ANYONE, Text("x", "x"), start)
    with pytest.raises(Bug, match="/start"):
        collect([[one], [one]])


def test_buttons_are_no_longer_than_they_may_be() -> None:
    """What does not fit a button is left to be typed."""
    values = [("short", "Short"), ("x" * 64, "Long"), *((str(n), "n") for n in range(50))]
    rows = choices("profile", values, "short", PersonId(1))
    assert len(rows) == MOST_CHOICES
    buttons = list(itertools.chain.from_iterable(rows))
    assert all(len(button.data.encode()) <= 64 for button in buttons)
    assert buttons[0].label == "✓ Short"
    assert all(button.person == 1 for button in buttons)


ROLES: dict[Role, tuple[bool, bool, bool, bool]] = {
    # anyone: private, group; owner in groups: private, group
    Role.OWNER: (True, True, True, True),
    Role.MEMBER: (True, True, True, False),
    Role.GUEST: (False, False, False, False),
    Role.BLOCKED: (False, False, False, False),
}


@pytest.mark.parametrize("role", Role)
def test_rights_follow_role_and_place(role: Role) -> None:
    places = itertools.product(
        (Who.ANYONE, Who.OWNER_IN_GROUPS), (ChatKind.PRIVATE, ChatKind.GROUP)
    )
    assert tuple(may_use(who, role, kind) for who, kind in places) == ROLES[role]
    assert may_use(Who.OWNER, role, ChatKind.PRIVATE) is (role is Role.OWNER)


@pytest.fixture
async def stage(database: asyncpg.Pool) -> Stage:
    stage = Stage(database)
    await stage.let_in(ANN, Role.OWNER)
    await stage.let_in(BOB, Role.MEMBER)
    await stage.let_in(Sender("9", "Out"), Role.BLOCKED)
    return stage


PEOPLE: dict[str, Sender] = {
    "owner": ANN,
    "member": BOB,
    "stranger": EVE,
    "blocked": Sender("9", "Out"),
    "anonymous": Sender("5", "Team", rightless=True),
}


def may_member(who: Who, private: bool) -> bool:
    return who is Who.ANYONE or (who is Who.OWNER_IN_GROUPS and private)


async def test_every_command_for_everybody_everywhere(stage: Stage) -> None:
    """T4: four roles and those without an id, all commands, private, group and topic."""
    wrong: list[str] = []
    for (person, who), name in itertools.product(PEOPLE.items(), LISTED):
        for room in (private(who), TEAM, TOPIC):
            stage.delivery.order.clear()
            await stage.hear(said(f"/{name}", who, room))
            shown = [stage.delivery.posts[key] for key in stage.delivery.order]
            lines = stage.delivery.texts() if shown else []
            if person in ("stranger", "blocked", "anonymous"):
                right = not shown
            elif person == "member" and not may_member(LISTED[name], room == private(who)):
                right = lines == [texts.OWNER_ONLY(command=name)]
            else:
                right = lines != [texts.OWNER_ONLY(command=name)]
            if not right:
                wrong.append(f"{person} /{name} in {room.chat}: {lines}")
    assert wrong == []
    assert await stage.count("turns") == 0


HELP: list[tuple[Sender, Address, set[str]]] = [
    (ANN, private(ANN), set(LISTED)),
    (ANN, TEAM, set(LISTED)),
    (BOB, private(BOB), {name for name, who in LISTED.items() if who is not Who.OWNER}),
    (BOB, TEAM, {name for name, who in LISTED.items() if who is Who.ANYONE}),
]


async def test_help_lists_what_this_person_may_use_here(stage: Stage) -> None:
    for who, room, names in HELP:
        for command in ("/help", "/start"):
            await stage.hear(said(command, who, room))
            lines = stage.delivery.texts()[-1].splitlines()
            listed = {line[1:].partition(" - ")[0] for line in lines if line.startswith("/")}
            assert listed == names, (who.name, room.chat)


async def test_a_command_is_understood_however_it_is_written(stage: Stage) -> None:
    """C-10: one parser, with a slash or a bang, with our name, in capitals."""
    for text in ("/whoami", "!whoami", "/WhoAmI", "/whoami@navi_bot", "/whoami@NAVI_BOT please"):
        stage.delivery.order.clear()
        await stage.hear(said(text, BOB))
        assert stage.delivery.texts() == ["You are telegram:6, my member."], text


async def test_a_command_for_another_bot_is_none_of_ours(stage: Stage) -> None:
    await stage.hear(said("/whoami@other_bot", BOB), said("/whoami@other_bot", BOB, TEAM))
    assert stage.delivery.order == []
    assert await stage.count("turns") == 0
