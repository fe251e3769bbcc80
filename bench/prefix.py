"""The prompt as a cache key: how much of each prompt the model host has read already.

A room has 60 turns with tools. For each request, the longest common prefix
with the room's previous request is divided by the prompt's tokens, both as
the strict Ollama's template writes them.
"""

from dataclasses import dataclass
from itertools import pairwise

from strict_ollama import Answer, Body, Called, Calls, Record, say
from strict_ollama.prompt import CHARACTERS_PER_TOKEN, shared

from bench.figure import Figure, Line
from bench.row import Row
from bench.stage import Program, surroundings
from bench.tokens import question

TURNS = 60
PATIENCE = 30.0
ANSWER = "The answer to that is a sentence of some length, as people get them all day. " * 3


@dataclass(slots=True)
class Worker:
    """A model that calls a tool, now and then plans, and then answers."""

    questions: int = 0

    def script(self, body: Body) -> Answer:
        if body["messages"][-1]["role"] == "tool":
            return say(f"{ANSWER} That was number {self.questions}.")
        self.questions += 1
        if self.questions % 5 == 0:
            items = [f"step {self.questions}", "look at it", "say it"]
            return [Calls((Called("todo", {"action": "set", "items": items}),))]
        return [Calls((Called("clock", {"action": "now", "zone": "UTC"}),))]


async def measure() -> list[Row]:
    async with surroundings(Worker().script) as around, around.daemon(1) as navi:
        for number in range(TURNS):
            await _turn(navi, number)
        records = around.ollama.chats
    shares = [_share(before, record) for before, record in pairwise(records)]
    tokens = [record.prompt_tokens for record in records[1:]]
    whole = sum(share * count for share, count in zip(shares, tokens, strict=True)) / sum(tokens)
    figure = Figure(
        "prefix",
        "Share of a prompt that the model host has read before",
        "request",
        "share",
        (Line("navi-bot", range(2, len(records) + 1), shares),),
        0.97,
    )
    return [
        Row(
            f"prefix: share over {TURNS} turns with tools",
            whole,
            "share",
            0.97,
            f"{len(records)} requests, the last of {tokens[-1]} tokens; least {min(shares):.3f}",
            at_least=True,
            figure=figure,
        )
    ]


async def _turn(navi: Program, number: int) -> None:
    assert navi.daemon is not None
    navi.ask(0, question(f"{number}.0"))
    ended = await navi.daemon.event("turn_ended", nth=number + 1, within=PATIENCE)
    assert ended["outcome"] == "done", ended


def _share(before: Record, record: Record) -> float:
    same = shared(before.prompt, record.prompt) // CHARACTERS_PER_TOKEN
    return min(1.0, same / record.prompt_tokens)
