"""What happens to an event, decided without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot import decide
from navi_bot.decide import Policy, parse_command
from navi_bot.messages import (
    Address,
    Button,
    ChatKind,
    Edited,
    Inbound,
    Left,
    Moved,
    Origin,
    PersonId,
    Pressed,
    Role,
    RoomId,
    RoomSettings,
    Said,
    Sender,
    TurnId,
    Withdrawn,
)
from navi_bot.ports.records import ActiveTurn, Facts
from navi_bot.texts import rooms as texts

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN = Sender("7", "Ann")
POLICY = Policy(commands={"stop", "help", "start", "profile"}, bot_name="navi_bot")
KNOWN = Facts(RoomId(1), PersonId(1), Role.OWNER, owner_exists=True)
STRANGER = Facts(None, None, Role.GUEST, owner_exists=True)


def origin(kind: ChatKind = ChatKind.PRIVATE, sender: Sender = ANN, minutes_old: int = 0) -> Origin:
    return Origin(
        key="k",
        address=Address("telegram", "1", "7"),
        chat_kind=kind,
        sender=sender,
        message_id="55",
        sent_at=NOW - timedelta(minutes=minutes_old),
    )


def said(text: str, kind: ChatKind = ChatKind.PRIVATE, **values: object) -> Said:
    return Said(origin(kind), text, **values)  # type: ignore[arg-type]  # table values


def decided(inbound: Inbound, facts: Facts = KNOWN, policy: Policy = POLICY) -> decide.Decision:
    return decide.decide(inbound, facts, policy, NOW)


COMMANDS = [
    ("/stop", ("stop", "", "")),
    ("/STOP", ("stop", "", "")),
    ("!stop", ("stop", "", "")),
    ("/profile developer", ("profile", "", "developer")),
    ("/profile@Navi_Bot  a b\nc", ("profile", "navi_bot", "a b\nc")),
    ("  /help  ", ("help", "", "")),
    ("/ stop", None),
    ("hello /stop", None),
    ("/123", None),
    ("/etc/passwd is world-readable", None),
    ("", None),
]


@pytest.mark.parametrize(
    ("text", "expected"), COMMANDS, ids=[case[0] or "empty" for case in COMMANDS]
)
def test_commands_are_read_from_the_start_of_a_message(
    text: str, expected: tuple[str, str, str] | None
) -> None:
    assert parse_command(text) == expected


SILENT = [
    ("a stranger in private", said("hello"), STRANGER),
    ("a stranger's command", said("/stop"), STRANGER),
    ("a stranger in a group", said("hello", ChatKind.GROUP, addressed=True), STRANGER),
    ("a blocked person", said("hello"), replace(KNOWN, role=Role.BLOCKED)),
    ("a redelivery", said("hello"), replace(KNOWN, duplicate=True)),
    ("another bot", Said(origin(sender=Sender("9", "bot", is_bot=True)), "hello"), KNOWN),
    ("an anonymous admin", Said(origin(sender=Sender("7", "x", rightless=True)), "hi"), KNOWN),
    ("a group's talk", said("hello", ChatKind.GROUP), KNOWN),
    ("a command for another bot", said("/stop@other_bot", ChatKind.GROUP), KNOWN),
    ("an unknown command in a group", said("/dance", ChatKind.GROUP), KNOWN),
    ("an edit of something answered", Edited(origin(), "new"), KNOWN),
    ("being removed from an unknown room", Left(origin(), "kicked"), STRANGER),
]


@pytest.mark.parametrize(("inbound", "facts"), [c[1:] for c in SILENT], ids=[c[0] for c in SILENT])
def test_nothing_is_said_or_stored(inbound: Inbound, facts: Facts) -> None:
    """Promise 5: a stranger gets nothing; groups are not listened to."""
    assert isinstance(decided(inbound, facts), decide.Ignore)


TOLD = [
    ("an empty message", said("  "), texts.EMPTY),
    ("a message of a megabyte", said("x" * 1_000_000), texts.TOO_LONG),
    ("an unknown command", said("/dance"), texts.UNKNOWN_COMMAND),
    (
        "an unknown command for us in a group",
        said("/dance@navi_bot", ChatKind.GROUP),
        texts.UNKNOWN_COMMAND,
    ),
]


@pytest.mark.parametrize(("inbound", "text"), [c[1:] for c in TOLD], ids=[c[0] for c in TOLD])
def test_what_cannot_be_answered_is_said_in_one_sentence(inbound: Inbound, text: object) -> None:
    assert decided(inbound) == decide.Tell(text)  # type: ignore[arg-type]  # a Text


def test_a_question_becomes_a_turn() -> None:
    decision = decided(said("hello"))
    assert isinstance(decision, decide.Begin)
    assert decision.request.text == "hello"
    assert not decision.behind


@pytest.mark.parametrize("text", ["hello", "/help@navi_bot me"])
def test_groups_are_answered_when_they_address_the_bot(text: str) -> None:
    assert not isinstance(decided(said(text, ChatKind.GROUP, addressed=True)), decide.Ignore)


def test_a_forwarded_command_is_data() -> None:
    """What somebody else wrote never commands the bot."""
    assert isinstance(decided(said("/stop", forwarded_from="Eve")), decide.Begin)


def busy(count: int, asker: int = 1) -> Facts:
    turns = [ActiveTurn(TurnId(1), PersonId(asker), "running", "50")]
    turns += [ActiveTurn(TurnId(2 + n), PersonId(1), "queued", str(55 + n)) for n in range(count)]
    return replace(KNOWN, active=tuple(turns))


def test_a_message_behind_others_is_marked_as_waiting() -> None:
    decision = decided(said("next"), busy(0))
    assert isinstance(decision, decide.Begin)
    assert decision.behind
    assert not decision.request.steer


def test_the_queue_of_a_room_is_bounded() -> None:
    assert isinstance(decided(said("next"), busy(decide.QUEUE_LIMIT - 1)), decide.Begin)
    assert decided(said("next"), busy(decide.QUEUE_LIMIT)) == decide.Tell(texts.QUEUE_FULL)


@pytest.mark.parametrize(
    ("daemon", "room", "asker", "steers"),
    [
        (True, None, 1, True),
        (True, False, 1, False),
        (False, True, 1, True),
        (True, None, 2, False),
    ],
    ids=["setting", "room says no", "room says yes", "another's turn"],
)
def test_a_message_steers_only_its_authors_running_turn(
    daemon: bool, room: bool | None, asker: int, steers: bool
) -> None:
    facts = replace(busy(0, asker), settings=RoomSettings(steer=room))
    decision = decided(said("rather this"), facts, replace(POLICY, steer=daemon))
    assert isinstance(decision, decide.Begin)
    assert decision.request.steer is steers


def test_an_old_message_is_asked_about() -> None:
    """Promise 2: older than NAVI_STALE_AFTER is asked about, not acted on."""
    assert isinstance(decided(Said(origin(minutes_old=361), "hello")), decide.AskStale)
    assert isinstance(decided(Said(origin(minutes_old=359), "hello")), decide.Begin)


def test_old_commands_still_count() -> None:
    assert isinstance(decided(Said(origin(minutes_old=900), "/stop")), decide.Do)


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER])
def test_an_owners_link_is_a_claim(role: Role) -> None:
    facts = replace(STRANGER, role=role, owner_exists=False)
    assert decided(said("/start abc"), facts) == decide.Claim("abc")


def test_the_owners_link_counts_in_private_only() -> None:
    facts = replace(STRANGER, owner_exists=False)
    assert isinstance(decided(said("/start abc", ChatKind.GROUP), facts), decide.Ignore)


def test_a_pairing_line_is_offered_only_where_allowed() -> None:
    allowed = replace(POLICY, pairing=True)
    assert isinstance(decided(said("hi"), STRANGER, allowed), decide.OfferPairing)
    assert isinstance(decided(said("hi", ChatKind.GROUP), STRANGER, allowed), decide.Ignore)
    blocked = replace(STRANGER, role=Role.BLOCKED)
    assert isinstance(decided(said("hi"), blocked, allowed), decide.Ignore)


STOP = Button("Stop", "stop:1")


def press(data: str) -> Pressed:
    return Pressed(origin(), data, "press-1")


def test_a_button_does_what_it_says() -> None:
    facts = replace(KNOWN, shown=(STOP,))
    assert decided(press("stop:1"), facts) == decide.Do("stop", "1", "press-1")


FORGED = [
    ("a button that the message does not show", "stop:2", KNOWN, (STOP,), texts.PRESS_EXPIRED),
    ("a message that is not ours", "stop:1", KNOWN, (), texts.PRESS_EXPIRED),
    ("a stranger's press", "stop:1", STRANGER, (STOP,), texts.NOT_ALLOWED),
    (
        "another person's button",
        "x:1",
        KNOWN,
        (Button("x", "x:1", person=PersonId(9)),),
        texts.NOT_YOURS,
    ),
]


@pytest.mark.parametrize(
    ("data", "facts", "shown", "text"), [c[1:] for c in FORGED], ids=[c[0] for c in FORGED]
)
def test_a_forged_press_has_no_effect(
    data: str, facts: Facts, shown: tuple[Button, ...], text: object
) -> None:
    decision = decided(press(data), replace(facts, shown=shown))
    assert decision == decide.Dismiss("press-1", text)  # type: ignore[arg-type]  # a Text


@given(st.text(max_size=70), st.lists(st.text(min_size=1, max_size=64), max_size=4))
def test_only_shown_data_ever_acts(data: str, shown: list[str]) -> None:
    facts = replace(KNOWN, shown=tuple(Button("b", one) for one in shown))
    assert isinstance(decided(press(data), facts), decide.Do) == (data in shown)


def test_an_edit_replaces_the_queued_message_of_its_author() -> None:
    edit = Edited(origin(), "better")
    assert decided(edit, busy(1)) == decide.Replace(TurnId(2), "better")
    others = replace(busy(1), person=PersonId(9))
    assert isinstance(decided(edit, others), decide.Ignore)


def test_a_withdrawn_message_leaves_the_queue() -> None:
    assert decided(Withdrawn(origin()), busy(1)) == decide.Drop(TurnId(2))


def test_a_room_moves_and_pauses() -> None:
    assert decided(Moved(origin(), "-100"), KNOWN) == decide.Move("-100")
    assert isinstance(decided(Left(origin(), "kicked"), KNOWN), decide.Pause)
