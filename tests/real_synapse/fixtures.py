"""One homeserver for a whole run, and people on it for each test."""

import itertools
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from real_synapse.bot import Bot
from real_synapse.person import Person
from real_synapse.proxy import Proxy
from real_synapse.server import Login, Synapse

_numbers = itertools.count(1)

Accounts = Callable[[str], Login]
People = Callable[[str], Person]


@pytest.fixture(scope="session")
def synapse() -> Iterator[Synapse]:
    """A running homeserver; tests leave it running."""
    with (
        tempfile.TemporaryDirectory(prefix="navi-synapse-") as folder,
        Synapse(Path(folder)) as server,
    ):
        yield server


@pytest.fixture
def account(synapse: Synapse) -> Accounts:
    """Make an account whose name nobody else has."""
    return lambda name: synapse.register(f"{name}{next(_numbers)}")


@pytest.fixture
async def person(synapse: Synapse, account: Accounts) -> AsyncIterator[People]:
    """Make a person with a client that can encrypt."""
    async with AsyncExitStack() as stack:

        def made(name: str) -> Person:
            one = Person(synapse.url, account(name))
            stack.push_async_callback(one.close)
            return one

        yield made


@pytest.fixture
async def proxy(synapse: Synapse) -> AsyncIterator[Proxy]:
    """A wire to the homeserver on which faults can be set."""
    async with Proxy(synapse.url) as wire:
        yield wire


@pytest.fixture
async def ann(person: People) -> Person:
    """The owner of the bots, known to the homeserver with her device."""
    made = person("ann")
    await made.looks()
    return made


@pytest.fixture
def bot(synapse: Synapse, account: Accounts, ann: Person, tmp_path: Path) -> Bot:
    """An adapter whose owner is Ann; a test enters it."""
    return Bot(synapse.url, account("navi"), tmp_path / "data", ann.id)
