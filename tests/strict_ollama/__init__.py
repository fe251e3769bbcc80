"""A model server that speaks Ollama's API as strictly as the real one (v0.33).

    async with StrictOllama(Installed("tiny", say("Hello"))) as server:
        ...                                  # server.url, server.requests
    python -m strict_ollama --port 0 --script FILE.json

What a model says is a script: steps, or a callable from the request's body to
steps. Shapes, error texts and status codes follow the server's own source.
"""

from strict_ollama.engine import Settings
from strict_ollama.installed import Installed
from strict_ollama.record import Record
from strict_ollama.server import StrictOllama
from strict_ollama.steps import (
    Answer,
    Body,
    Called,
    Calls,
    Cut,
    Done,
    Drop,
    Fail,
    Hold,
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

__all__ = [
    "Answer",
    "Body",
    "Called",
    "Calls",
    "Cut",
    "Done",
    "Drop",
    "Fail",
    "Hold",
    "Installed",
    "Pause",
    "Raw",
    "Record",
    "Script",
    "Settings",
    "Step",
    "StrictOllama",
    "Text",
    "Thinking",
    "in_turn",
    "say",
    "think",
]
