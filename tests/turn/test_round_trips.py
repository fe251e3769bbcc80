"""How often a turn of the real daemon goes to the database, counted on the wire."""

from collections import Counter
from pathlib import Path

from daemon.metered import metered
from strict_ollama import Answer, Body, Called, Calls, Text

WARM = 3
"""First turns: the room is made, people are met, plans are prepared."""
TURNS = 4


def answer(body: Body) -> Answer:
    """Answer at once; use a tool first if the question says so."""
    newest = body["messages"][-1]
    if newest["role"] == "user" and "clock" in newest["content"]:
        return [Calls((Called("clock", {}),))]
    return [Text(f"word{number} ", delay=0.01) for number in range(12)]


async def test_a_plain_turn_goes_to_the_database_four_times(dsn: str, tmp_path: Path) -> None:
    """It is taken in, claimed, noted as shown and ended; never twice, never more."""
    async with metered(dsn, tmp_path, answer) as turns:
        for number in range(WARM):
            await turns.ask(f"warm {number}")
        for number in range(TURNS):
            spent = await turns.ask(f"question {number}")
            assert Counter(spent.trips) == Counter(["taken in", "claimed", "noted", "ended"])
            assert not [text for text in spent.queue if text.startswith("BEGIN")]


async def test_a_batch_of_tools_goes_twice_more(dsn: str, tmp_path: Path) -> None:
    """Its intent is stored before the tools run, its record before the model is asked again."""
    async with metered(dsn, tmp_path, answer) as turns:
        for number in range(WARM):
            await turns.ask(f"clock {number}")
        spent = await turns.ask("what does the clock say?")
        plain = ["taken in", "claimed", "noted", "ended"]
        assert Counter(spent.trips) == Counter([*plain, "batch begun", "batch recorded"])
