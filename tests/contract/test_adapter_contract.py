"""Every adapter keeps the rules of its port, on the real thing or its strict twin.

The table below is the rules times the platforms; what a platform lacks is
declared by its person's `abilities` and by nothing else.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager

import pytest
import pytest_asyncio
from contract.consoles import AtPipe, AtRelay, AtTerminal, at_pipe, at_relay, at_terminal
from contract.on_matrix import OnMatrix, on_matrix
from contract.on_telegram import OnTelegram, on_telegram
from contract.rules import EVERYWHERE, REMOTE, Rule
from contract.stage import Abilities, Person, Stage

PLATFORMS: dict[str, Abilities] = {
    "pipe": AtPipe.abilities,
    "terminal": AtTerminal.abilities,
    "relay": AtRelay.abilities,
    "telegram": OnTelegram.abilities,
    "matrix": OnMatrix.abilities,
    "matrix, encrypted": OnMatrix.abilities,
}
WITH_A_SERVER = [name for name, can in PLATFORMS.items() if can.remote]


@pytest.fixture(scope="module")
def person(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AbstractAsyncContextManager[Person]:
    """Somebody on the platform that is named; what each needs is started when it is asked for."""
    folder, name = tmp_path_factory.mktemp("contract"), request.param
    match name:
        case "pipe":
            return at_pipe()
        case "terminal":
            return at_terminal(folder)
        case "relay":
            return at_relay(request.getfixturevalue("migrated"))
        case "telegram":
            return on_telegram()
    synapse = request.getfixturevalue("synapse")
    return on_matrix(synapse, folder / "data", encrypted=name.endswith("encrypted"))


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(person: AbstractAsyncContextManager[Person]) -> AsyncIterator[Stage]:
    """A platform with its adapter at work, for all rules one after another."""
    async with person as somebody:
        made = Stage(somebody)
        await made.adapter.connect()
        await made.begin()
        try:
            yield made
        finally:
            await made.end()
            await made.adapter.close()


def named(rules: Sequence[Rule]) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("rule", rules, ids=[rule.__name__ for rule in rules])


@named(EVERYWHERE)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("person", PLATFORMS, indirect=True)
async def test_every_adapter_keeps(stage: Stage, rule: Rule) -> None:
    """A rule of the port on each platform."""
    await rule(stage)


@named(REMOTE)
@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("person", WITH_A_SERVER, indirect=True)
async def test_every_adapter_with_a_server_keeps(stage: Stage, rule: Rule) -> None:
    """A rule about servers that refuse, limit, close a place, or are away."""
    await rule(stage)
