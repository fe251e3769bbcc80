"""What happens to an event, decided without any I/O."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navi_bot import decide, decisions
from navi_bot.command_text import parse_command
from navi_bot.decide import Policy
from navi_bot.messages import (
    Address,
    Allowed,
    Button,
    ChatKind,
    Edited,
    Inbound,
    Left,
    Moved,
    Origin,
    PersonId,
    Pressed,
    Quote,
    Returned,
    Role,
    RoomId,
    RoomSettings,
    Said,
    Sender,
    TurnId,
    Unread,
    Withdrawn,
)
from navi_bot.ports.records import ActiveTurn, Facts
from navi_bot.texts import Text
from navi_bot.texts import rooms as texts

NOW = datetime(2026, 11, 21, 12, 0, tzinfo=UTC)
ANN = Sender("7", "Ann")
RIGHTLESS = Sender("7", "x", rightless=True)
STOP = Button("Stop", "stop:1")
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


def said(
    text: str,
    kind: ChatKind = ChatKind.PRIVATE,
    *,
    addressed: bool = False,
    forwarded_from: str = "",
) -> Said:
    return Said(origin(kind), text, addressed=addressed, forwarded_from=forwarded_from)


def press(data: str) -> Pressed:
    return Pressed(origin(), data, "press-1")


def decided(inbound: Inbound, facts: Facts = KNOWN, policy: Policy = POLICY) -> decisions.Decision:
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
    assert isinstance(decided(inbound, facts), decisions.Ignore)


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
def test_what_cannot_be_answered_is_said_in_one_sentence(inbound: Inbound, text: Text) -> None:
    assert decided(inbound) == decisions.Tell(text)


def test_a_question_becomes_a_turn() -> None:
    decision = decided(said("hello"))
    assert isinstance(decision, decisions.Begin)
    assert decision.request.text == "hello"
    assert not decision.behind


@pytest.mark.parametrize("text", ["hello", "/help@navi_bot me"])
def test_groups_are_answered_when_they_address_the_bot(text: str) -> None:
    assert not isinstance(decided(said(text, ChatKind.GROUP, addressed=True)), decisions.Ignore)


@pytest.mark.parametrize("text", ["!wow that is nice", "!important"])
def test_a_bang_that_is_no_command_is_talk(text: str) -> None:
    assert isinstance(decided(said(text)), decisions.Begin)


def test_platforms_without_names_take_every_name_for_ours() -> None:
    nameless = replace(POLICY, bot_name="")
    assert decided(said("/help@somebody"), policy=nameless) == decisions.Do("help", "")


def test_a_bare_mention_under_a_quote_is_a_question() -> None:
    pointing = replace(said("", ChatKind.GROUP, addressed=True), quote=Quote("1", "Bob", "look"))
    assert isinstance(decided(pointing), decisions.Begin)


def test_a_forwarded_command_is_data() -> None:
    """What somebody else wrote never commands the bot."""
    assert isinstance(decided(said("/stop", forwarded_from="Eve")), decisions.Begin)


def busy(count: int, asker: int = 1) -> Facts:
    turns = [ActiveTurn(TurnId(1), PersonId(asker), "running", "50")]
    turns += [ActiveTurn(TurnId(2 + n), PersonId(1), "queued", str(55 + n)) for n in range(count)]
    return replace(KNOWN, active=tuple(turns))


def test_a_message_behind_others_is_marked_as_waiting() -> None:
    decision = decided(said("next"), busy(0))
    assert isinstance(decision, decisions.Begin)
    assert decision.behind
    assert not decision.request.steer


def test_the_queue_of_a_room_is_bounded() -> None:
    assert isinstance(decided(said("next"), busy(decide.QUEUE_LIMIT - 1)), decisions.Begin)
    assert decided(said("next"), busy(decide.QUEUE_LIMIT)) == decisions.Tell(texts.QUEUE_FULL)


def test_what_was_sent_while_we_were_down_is_never_too_much() -> None:
    """Promise 2 goes before the queue's limit, which is for what is sent now."""
    full, policy = busy(decide.QUEUE_LIMIT), replace(POLICY, online_since=NOW)
    waited = Said(origin(minutes_old=1), "next")
    assert isinstance(decided(waited, full, policy), decisions.Begin)
    assert decided(said("next"), full, policy) == decisions.Tell(texts.QUEUE_FULL)


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
    assert isinstance(decision, decisions.Begin)
    assert decision.request.steer is steers


def test_an_old_message_is_asked_about() -> None:
    """Promise 2: older than NAVI_STALE_AFTER is asked about, not acted on."""
    assert isinstance(decided(Said(origin(minutes_old=361), "hello")), decisions.AskStale)
    assert isinstance(decided(Said(origin(minutes_old=359), "hello")), decisions.Begin)


def test_old_commands_still_count() -> None:
    assert isinstance(decided(Said(origin(minutes_old=900), "/stop")), decisions.Do)


@pytest.mark.parametrize("role", [Role.GUEST, Role.MEMBER])
def test_an_owners_link_is_a_claim(role: Role) -> None:
    facts = replace(STRANGER, role=role, owner_exists=False)
    assert decided(said("/start abc"), facts) == decisions.Claim("abc")


def test_an_owners_link_is_worth_nothing_once_there_is_an_owner() -> None:
    assert isinstance(decided(said("/start abc"), STRANGER), decisions.Ignore)
    member = replace(KNOWN, role=Role.MEMBER)
    assert decided(said("/start abc"), member) == decisions.Do("start", "abc")


NO_CLAIM = [
    ("a blocked person", said("/start abc"), Role.BLOCKED),
    (
        "somebody without an id of their own",
        Said(origin(sender=RIGHTLESS), "/start abc"),
        Role.GUEST,
    ),
    ("a bot", Said(origin(sender=Sender("9", "bot", is_bot=True)), "/start abc"), Role.GUEST),
    ("a forwarded link", said("/start abc", forwarded_from="Eve"), Role.GUEST),
]


@pytest.mark.parametrize(
    ("inbound", "role"), [c[1:] for c in NO_CLAIM], ids=[c[0] for c in NO_CLAIM]
)
def test_an_owners_link_is_not_for_everybody(inbound: Inbound, role: Role) -> None:
    """A blocked person must not burn the link, nor anybody who cannot be told from others."""
    facts = replace(STRANGER, role=role, owner_exists=False)
    assert isinstance(decided(inbound, facts), decisions.Ignore)


def test_the_owners_link_counts_in_private_only() -> None:
    facts = replace(STRANGER, owner_exists=False)
    assert isinstance(decided(said("/start abc", ChatKind.GROUP), facts), decisions.Ignore)


def test_a_pairing_line_is_offered_only_where_allowed() -> None:
    allowed = replace(POLICY, pairing=True)
    assert isinstance(decided(said("hi"), STRANGER, allowed), decisions.OfferPairing)
    assert isinstance(decided(said("hi", ChatKind.GROUP), STRANGER, allowed), decisions.Ignore)
    blocked = replace(STRANGER, role=Role.BLOCKED)
    assert isinstance(decided(said("hi"), blocked, allowed), decisions.Ignore)


def test_a_button_does_what_it_says() -> None:
    facts = replace(KNOWN, shown=(STOP,))
    assert decided(press("stop:1"), facts) == decisions.Do("stop", "1", "press-1")


FORGED = [
    ("a button that the message does not show", "stop:2", KNOWN, (STOP,), texts.PRESS_EXPIRED),
    ("a message that is not ours", "stop:1", KNOWN, (), texts.PRESS_EXPIRED),
    ("a stranger's press", "stop:1", STRANGER, (STOP,), texts.NOT_ALLOWED),
    (
        "another person's button",
        "stop:1",
        KNOWN,
        (replace(STOP, person=PersonId(9)),),
        texts.NOT_YOURS,
    ),
    ("what no command answers", "x:1", KNOWN, (Button("x", "x:1"),), texts.PRESS_EXPIRED),
    ("no data at all", "", KNOWN, (STOP,), texts.PRESS_EXPIRED),
]


@pytest.mark.parametrize(
    ("data", "facts", "shown", "text"), [c[1:] for c in FORGED], ids=[c[0] for c in FORGED]
)
def test_a_forged_press_has_no_effect(
    data: str, facts: Facts, shown: tuple[Button, ...], text: Text
) -> None:
    decision = decided(press(data), replace(facts, shown=shown))
    assert decision == decisions.Dismiss("press-1", text)


DATA = st.one_of(
    st.text(max_size=70),
    st.builds("{}:{}".format, st.sampled_from(["stop", "profile", "x"]), st.text(max_size=3)),
)


@given(DATA, st.lists(DATA, max_size=4))
def test_only_shown_data_ever_acts(data: str, shown: list[str]) -> None:
    facts = replace(KNOWN, shown=tuple(Button("b", one) for one in shown))
    acts = data in shown and data.partition(":")[0] in POLICY.commands
    assert isinstance(decided(press(data), facts), decisions.Do) == acts


def test_an_edit_replaces_the_queued_message_of_its_author() -> None:
    edit = Edited(origin(), "better")
    assert decided(edit, busy(1)) == decisions.Replace(TurnId(2), "better")
    others = replace(busy(1), person=PersonId(9))
    assert isinstance(decided(edit, others), decisions.Ignore)


def test_a_withdrawn_message_leaves_the_queue() -> None:
    assert decided(Withdrawn(origin()), busy(1)) == decisions.Drop(TurnId(2))


def test_a_withdrawn_message_that_is_being_answered_stops_its_turn() -> None:
    running = replace(origin(), message_id="50")
    assert decided(Withdrawn(running), busy(1)) == decisions.Do("stop", "")
    assert isinstance(decided(Withdrawn(running), busy(1, asker=9)), decisions.Ignore)


@pytest.mark.parametrize("inbound", [Edited(origin(), "new"), Withdrawn(origin())])
def test_whoever_lost_their_rights_changes_nothing(inbound: Inbound) -> None:
    without = replace(busy(1), role=Role.GUEST)
    assert isinstance(decided(inbound, without), decisions.Ignore)
    anonymous = replace(inbound, origin=origin(sender=RIGHTLESS))
    assert isinstance(decided(anonymous, busy(1)), decisions.Ignore)


def test_an_edit_is_bound_by_the_same_limit() -> None:
    assert decided(Edited(origin(), "x" * 100_001), busy(1)) == decisions.Tell(texts.TOO_LONG)
    assert isinstance(decided(Edited(origin(), " "), busy(1)), decisions.Ignore)


def test_a_person_is_told_of_messages_that_cannot_be_read() -> None:
    """What is sealed for ever, and what was too much; a stranger is told nothing."""
    sealed, missed = Unread(origin(), "sealed"), Unread(origin(), "missed", 640)
    assert decided(sealed, KNOWN) == decisions.Tell(texts.SEALED)
    told = decided(missed, KNOWN)
    assert isinstance(told, decisions.Tell)
    assert "640" in told.text()
    for unread in (sealed, missed):
        assert isinstance(decided(unread, STRANGER), decisions.Ignore)


MEMBERSHIP: list[tuple[str, Inbound, decisions.Decision]] = [
    ("moved", Moved(origin(), "-100"), decisions.Move("-100")),
    ("left", Left(origin(), "kicked"), decisions.Pause()),
    ("returned", Returned(origin()), decisions.Resume()),
]


@pytest.mark.parametrize(
    ("inbound", "decision"), [c[1:] for c in MEMBERSHIP], ids=[c[0] for c in MEMBERSHIP]
)
def test_a_room_that_is_known_moves_and_pauses(
    inbound: Inbound, decision: decisions.Decision
) -> None:
    """A stranger's room makes no rows, whatever becomes of it."""
    assert decided(inbound, KNOWN) == decision
    assert isinstance(decided(inbound, STRANGER), decisions.Ignore)


STOPS: list[tuple[str, Inbound, bool]] = [
    ("the command", said("/stop"), True),
    ("the command with words", said("/stop please"), True),
    ("the command by name", said("/STOP@Navi_Bot"), True),
    ("another bot's command", said("/stop@other_bot"), False),
    ("a forwarded command", said("/stop", forwarded_from="Eve"), False),
    ("talk of stopping", said("stop"), False),
    ("another command", said("/status"), False),
    ("the turn's own button", press("stop:4"), True),
    ("an older turn's button", press("stop:3"), False),
    ("another button", press("retry:4"), False),
    ("an edit", Edited(origin(), "/stop"), False),
]


@pytest.mark.parametrize(("inbound", "asks"), [c[1:] for c in STOPS], ids=[c[0] for c in STOPS])
def test_a_stop_is_known_without_any_facts(inbound: Inbound, asks: bool) -> None:
    assert decide.asks_to_stop(inbound, POLICY, TurnId(4)) is asks


# What the device that was used is trusted with ---------------------------------------


def by(allowed: Allowed, inbound: Inbound) -> Inbound:
    """Return an event as it comes from a device that is trusted with so much."""
    sender = replace(inbound.origin.sender, allowed=allowed)
    return replace(inbound, origin=replace(inbound.origin, sender=sender))


ALLOWED: tuple[Allowed, ...] = ("all", "sandbox", "talk")


@pytest.mark.parametrize("allowed", ALLOWED)
def test_a_turn_carries_what_its_device_is_trusted_with(allowed: Allowed) -> None:
    decision = decided(by(allowed, said("do it")))
    assert isinstance(decision, decisions.Begin)
    assert decision.request.allowed == allowed


def test_an_edit_narrows_the_waiting_turn() -> None:
    waiting = replace(KNOWN, active=(ActiveTurn(TurnId(1), PersonId(1), "queued", "55"),))
    edit = Edited(origin(), "better")
    assert decided(by("talk", edit), waiting) == decisions.Replace(TurnId(1), "better", "talk")
    assert isinstance(decided(by("nothing", edit), waiting), decisions.Ignore)


UNHEARD = [
    (said("hello"), texts.UNVERIFIED),
    (said("/help"), texts.UNVERIFIED),
    (said("hello", ChatKind.GROUP, addressed=True), texts.UNVERIFIED),
]


@pytest.mark.parametrize(("inbound", "text"), UNHEARD)
def test_a_device_trusted_with_nothing_is_told_the_mend(inbound: Said, text: Text) -> None:
    assert decided(by("nothing", inbound)) == decisions.Tell(text)


def test_a_device_trusted_with_nothing_stops_a_turn_still() -> None:
    """Whoever can take the account's voice may silence the bot, not use it."""
    shown = replace(KNOWN, shown=(STOP, Button("Again", "profile:x")), shown_post="turn:1")
    assert isinstance(decided(by("nothing", said("/stop"))), decisions.Do)
    assert isinstance(decided(by("nothing", press("stop:1")), shown), decisions.Do)
    other = decided(by("nothing", press("profile:x")), shown)
    assert other == decisions.Dismiss("press-1", texts.UNVERIFIED)
    assert isinstance(decided(by("nothing", said("hi", ChatKind.GROUP))), decisions.Ignore)


def test_a_mute_press_is_refused_in_a_message() -> None:
    """Where a platform shows no toast, people with rights read why; strangers get nothing."""
    shown = replace(KNOWN, shown=(replace(STOP, person=PersonId(9)),), shown_post="turn:1")
    pressed = replace(press("stop:1"), mute=True)
    assert decided(pressed, shown) == decisions.Tell(texts.NOT_YOURS)
    assert decided(pressed) == decisions.Tell(texts.PRESS_EXPIRED)
    assert decided(pressed, STRANGER) == decisions.Dismiss("press-1", texts.NOT_ALLOWED)
