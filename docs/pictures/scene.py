"""The scene of the picture: a turn's events, and the pages that come of them.

The events are scripted; everything made of them is the bot's own: the live
message lays out the pages, the Telegram markup renders them.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from adapters.telegram.markup import Rendered, TelegramSurface, render
from navi_bot.events import (
    Event,
    ModelStarted,
    StreamEnd,
    TextDelta,
    ThinkingDelta,
    ThinkingEnd,
    Todo,
    TodoChanged,
    ToolEvent,
    ToolStarted,
)
from navi_bot.live import LiveMessage, LiveOptions
from navi_bot.messages import Button, TurnId

QUESTION = (
    "My flight leaves Frankfurt on Friday the 27th at 13:40 and takes 11 h 50. "
    "When do I land in Osaka?"
)
STEPS = ("Note the departure", "Add the flight time", "Say it in Osaka's time")
ANSWER = """You land in Osaka on **Saturday, 28 November, at 09:30** local time.

- Frankfurt: Friday 13:40, `UTC+1`
- in the air: 11 h 50 min
- Osaka: Saturday 09:30, `UTC+9`

By your own clock it will be half past one at night."""

AT_WORK, WRITING, DONE = 3.3, 8.6, 11.0
"""Seconds after the turn's begin at which it is looked at."""


Timed = tuple[float, Event]


@dataclass(frozen=True, slots=True)
class Frame:
    """What stands in the chat at one moment."""

    caption: str
    shown: Rendered
    buttons: tuple[tuple[Button, ...], ...]


def _todo(*states: str) -> TodoChanged:
    return TodoChanged(tuple(Todo(text, state) for text, state in zip(STEPS, states, strict=True)))


def _call(at: float, number: int, tool: str, seconds: float, **arguments: object) -> list[Timed]:
    call = f"call_{number}"
    return [
        (at, ToolStarted(call, tool, arguments)),
        (at + seconds, ToolEvent(call, tool, arguments, "", True, seconds)),
    ]


def events() -> list[Timed]:
    """Return what happens, with the seconds at which it does."""
    departure: Mapping[str, object] = {"start": "2026-11-27T13:40", "hours": 11, "minutes": 50}
    happened: list[Timed] = [
        (0.1, ModelStarted(1, 40, "gemma4")),
        (0.7, ThinkingDelta("The departure is in Frankfurt's time, the landing in Osaka's. ")),
        (1.4, ThinkingDelta("So I add the hours first and then change the zone.")),
        (1.8, ThinkingEnd()),
        (1.9, TextDelta("Let me reckon that.")),
        *_call(2.2, 1, "todo", 0.1, action="set", items=list(STEPS)),
        (2.3, _todo("done", "active", "open")),
        *_call(3.1, 2, "clock", 0.4, action="add", **departure),
        (3.6, _todo("done", "done", "active")),
        *_call(4.4, 3, "clock", 0.1, start="2026-11-28T01:30+01:00", zone="Asia/Tokyo"),
        (4.6, _todo("done", "done", "done")),
    ]
    words = ANSWER.split(" ")
    happened += [
        (6.4 + 0.1 * number, TextDelta(word if number == 0 else f" {word}"))
        for number, word in enumerate(words)
    ]
    end = StreamEnd(
        full_content=ANSWER,
        context_tokens=4210,
        max_context_tokens=65536,
        elapsed_seconds=10.6,
        tool_call_count=3,
        token_count=1312,
        model="gemma4",
    )
    return [*happened, (10.6, end)]


def frames() -> tuple[Frame, ...]:
    """Return the live message at work, while it writes, and for good."""
    moments = {"at work": AT_WORK, "writing": WRITING, "done": DONE}
    return tuple(_frame(caption, at) for caption, at in moments.items())


def _frame(caption: str, at: float) -> Frame:
    options = LiveOptions(show_thinking=True)
    live = LiveMessage(TurnId(1), TelegramSurface(), 0.0, options)
    for when, event in events():
        if when <= at:
            live.feed(event, when)
    (page,) = live.pages(at)
    return Frame(caption, render(page), page.buttons)
