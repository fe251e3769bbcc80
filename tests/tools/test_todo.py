"""The checklist: set, ticked off, shown live."""

import pytest
from toolbox.calls_in_memory import Memory, call_of

from navi_bot.errors import ToolArgumentError
from navi_bot.events import Event, Todo, TodoChanged
from tools import todo

LIST = (Todo("Read", "done"), Todo("Write", "open"))


def after(items: tuple[Todo, ...] = LIST, /, **asked: object) -> tuple[Todo, ...]:
    return todo.changed(items, todo.Arguments.model_validate(asked))


def test_setting_keeps_the_state_of_steps_that_stay() -> None:
    """A model that sends the whole list again does not undo what is done."""
    assert after(action="set", items=["Read", "Send"]) == (
        Todo("Read", "done"),
        Todo("Send", "open"),
    )


def test_adding_updating_and_clearing() -> None:
    """N-116: the list's actions."""
    assert after(action="add", items=["Send"])[2] == Todo("Send", "open")
    assert after(action="update", number=2, state="active")[1] == Todo("Write", "active")
    assert after(action="update", number=2)[1] == Todo("Write", "done")
    assert after(action="clear") == ()
    assert after() == LIST


@pytest.mark.parametrize(
    "items",
    [
        "- Read\n* Write\n",
        [{"text": "Read"}, {"text": "Write", "state": "open"}],
        ["Read ", " Write", " "],
    ],
)
def test_lists_are_understood_however_they_are_written(items: object) -> None:
    """Lines of text and objects mean the same as a list of phrases."""
    made = after((), action="set", items=items)
    assert [item.text for item in made] == ["Read", "Write"]


@pytest.mark.parametrize(
    ("word", "state"),
    [("completed", "done"), ("In_Progress", "active"), ("pending", "open"), (" FAILED ", "failed")],
)
def test_other_words_for_states_are_understood(word: str, state: str) -> None:
    """Models know these lists by several vocabularies."""
    assert after(action="update", number=1, state=word)[0].state == state


@pytest.mark.parametrize(
    ("asked", "named"),
    [
        ({"action": "set"}, "items"),
        ({"action": "add", "items": ["x"] * 29}, "items"),
        ({"action": "update", "number": 3}, "number"),
        ({"action": "update"}, "number"),
    ],
)
def test_what_cannot_be_done_is_named(asked: dict[str, object], named: str) -> None:
    """An empty list, too many steps, an item that is not there."""
    with pytest.raises(ToolArgumentError, match=named):
        after(**asked)


async def test_a_change_is_stored_and_shown() -> None:
    """TodoChanged is told after the list is stored; reading tells nothing."""
    memory, told = Memory(), list[Event]()
    call = call_of(memory, told)
    result = await todo.run(todo.Arguments(action="set", items=["Read", "Write"]), call)
    assert result.text == "[ ] 1. Read\n[ ] 2. Write"
    assert told == [TodoChanged(memory.items)]
    assert (await todo.run(todo.Arguments(), call)).text == result.text
    assert (len(told), memory.writes) == (1, 1)
