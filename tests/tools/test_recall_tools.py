"""The model's tools for reminders: words pass through, faults come back to be mended."""

from dataclasses import replace
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from toolbox.calls_in_memory import Memory, call_of

from navi_bot.errors import PersonError, ToolArgumentError
from navi_bot.messages import PersonId, RoomId, ToolCall
from navi_bot.ports.recall import Kept, Plan, Recall, RecallId, Wanted
from navi_bot.schedule.rule import cron
from navi_bot.toolbox.registry import Registry, shipped
from navi_bot.toolbox.runner import InstalledTools
from tools import manage_recall, schedule_recall

KYIV = ZoneInfo("Europe/Kyiv")
PLAN = Plan(PersonId(1), RoomId(1), "reminder", "stand up", cron("0 8 * * 1-5", KYIV))
RECALL = Recall(RecallId(3), PLAN, "active", datetime(2026, 11, 23, 6, 0, tzinfo=UTC))


class Notebook:
    """Implements Recalls; notes what it is asked for."""

    def __init__(self) -> None:
        self.asked: list[object] = []

    async def schedule(self, wanted: Wanted) -> Kept:
        if wanted.when == "yesterday":
            raise PersonError("That is past. Did you mean tomorrow?")
        self.asked.append(wanted)
        return Kept(RECALL, "⏰ Mon 23 Nov 2026, 08:00 Europe/Kyiv: stand up", "Your zone?")

    async def listed(self, *, here: bool = False) -> tuple[Recall, ...]:
        return (RECALL,)

    async def cancel(self, number: int) -> Recall:
        self.asked.append(("cancel", number))
        return RECALL

    async def skip(self, number: int) -> str:
        self.asked.append(("skip", number))
        return "skipped"

    async def change(self, number: int, when: str = "", text: str = "") -> str:
        self.asked.append(("change", number, when, text))
        return "changed"


async def test_the_words_for_a_time_are_passed_on_and_the_echo_comes_back() -> None:
    """The model is told the absolute time, and what to ask the person."""
    book = Notebook()
    call = replace(call_of(Memory()), recalls=book)
    asked = schedule_recall.Arguments(text="stand up", when="every weekday at 8", important=True)
    result = await schedule_recall.run(asked, call)
    assert book.asked == [Wanted("reminder", "stand up", "every weekday at 8", important=True)]
    assert "Recall 3 is set" in result.text
    assert "Mon 23 Nov 2026, 08:00 Europe/Kyiv" in result.text
    assert "Tell the person: Your zone?" in result.text


async def test_what_cannot_be_kept_is_the_models_to_mend() -> None:
    call = replace(call_of(Memory()), recalls=Notebook())
    with pytest.raises(ToolArgumentError, match="Did you mean tomorrow"):
        await schedule_recall.run(schedule_recall.Arguments(text="x", when="yesterday"), call)
    with pytest.raises(ToolArgumentError, match="Give a new time"):
        await manage_recall.run(manage_recall.Arguments(action="change", number=3), call)


async def test_one_is_listed_skipped_changed_and_cancelled() -> None:
    book = Notebook()
    call = replace(call_of(Memory()), recalls=book)
    listed = await manage_recall.run(manage_recall.Arguments(), call)
    assert listed.text == (
        "3. reminder, Mon 23 Nov 2026, 08:00 Europe/Kyiv (every weekday at 08:00): stand up"
    )
    for asked in (
        manage_recall.Arguments(action="skip", number=3),
        manage_recall.Arguments(action="change", number=3, when="daily at 9"),
        manage_recall.Arguments(action="cancel", number=3),
    ):
        await manage_recall.run(asked, call)
    assert book.asked == [("skip", 3), ("change", 3, "daily at 9", ""), ("cancel", 3)]


async def test_nothing_that_writes_is_run_while_nobody_reads_along() -> None:
    """A task can neither set up nor end reminders; what only looks is run."""
    book = Notebook()
    tools = InstalledTools(Registry(shipped()))
    call = replace(call_of(Memory()), recalls=book, headless=True)
    found = tools.catalogue(["schedule_recall", "manage_recall", "clock"], ())
    for name, arguments, ok in (
        ("schedule_recall", {"text": "x", "when": "now"}, False),
        ("manage_recall", {"action": "cancel", "number": 3}, False),
        ("clock", {}, True),
    ):
        tool = found.find_tool(name)
        assert tool is not None
        result = await tools.run(tool, ToolCall("1", name, arguments), call)
        assert result.ok is ok, name
        assert ("nobody can be asked" in result.text) is not ok
    assert book.asked == []
