"""Scripts as JSON files, for the server as a process of its own.

    {"settings": {"parallel": 1, "prefill_rate": 2000},
     "models": [{"name": "tiny", "capabilities": ["completion", "tools"],
                 "rules": [{"when": "time", "answer": [{"call": {"name": "clock"}}]}],
                 "answers": [[{"say": "Hello there", "delay": 0.02}]]}]}

A rule applies when its text occurs in the last message; otherwise the answers
are given in turn, the last one repeating. A step is one of say, think, text,
thinking, call, calls, fail (with status), cut, drop, raw, pause, done; `delay`
is the pause before each chunk, `times` repeats the step.
"""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from strict_ollama.engine import Settings
from strict_ollama.installed import Installed
from strict_ollama.steps import (
    Answer,
    Body,
    Called,
    Calls,
    Cut,
    Done,
    Drop,
    Fail,
    Pause,
    Raw,
    Script,
    Step,
    Text,
    Thinking,
    in_turn,
    say,
    think,
)

Json = dict[str, Any]


def load(path: Path) -> tuple[Settings, tuple[Installed, ...]]:
    """Return the settings and models that a file describes."""
    found = json.loads(path.read_text(encoding="utf-8"))
    models = tuple(_model(each) for each in found["models"])
    return Settings(**found.get("settings", {})), models


def _model(found: Json) -> Installed:
    fields = {k: v for k, v in found.items() if k not in ("rules", "answers", "capabilities")}
    capabilities = tuple(found.get("capabilities", ("completion", "tools")))
    answers = [_answer(each) for each in found.get("answers", [[]])]
    rules = [(rule["when"], _answer(rule["answer"])) for rule in found.get("rules", [])]
    return Installed(says=_script(rules, answers), capabilities=capabilities, **fields)


def _script(rules: Sequence[tuple[str, Answer]], answers: Sequence[Answer]) -> Script:
    otherwise = in_turn(*answers)

    def script(body: Body) -> Answer:
        last = body["messages"][-1]["content"]
        return next((answer for when, answer in rules if when in last), None) or otherwise(body)

    return script


def _answer(found: Sequence[Json]) -> Answer:
    return [step for each in found for step in (*_steps(each),) * int(each.get("times", 1))]


def _steps(found: Json) -> Sequence[Step]:
    delay = float(found.get("delay", 0.0))
    for name, make in _MAKERS.items():
        if name in found:
            return make(found, delay)
    raise ValueError(f"not a step: {found!r}")


def _called(found: Json) -> Called:
    return Called(found["name"], found.get("arguments", {}), found.get("id", ""))


_MAKERS: dict[str, Callable[[Json, float], Sequence[Step]]] = {
    "say": lambda found, delay: say(found["say"], delay),
    "think": lambda found, delay: think(found["think"], delay),
    "text": lambda found, delay: (Text(found["text"], delay),),
    "thinking": lambda found, delay: (Thinking(found["thinking"], delay),),
    "call": lambda found, delay: (Calls((_called(found["call"]),), delay),),
    "calls": lambda found, delay: (Calls(tuple(map(_called, found["calls"])), delay),),
    "fail": lambda found, delay: (Fail(found["fail"], found.get("status", 500), delay),),
    "cut": lambda found, delay: (Cut(delay),),
    "drop": lambda found, delay: (Drop(delay),),
    "raw": lambda found, delay: (Raw(found["raw"].encode(), delay),),
    "pause": lambda found, delay: (Pause(float(found["pause"])),),
    "done": lambda found, delay: (Done(found["done"], delay),),
}
