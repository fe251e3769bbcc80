"""A server, a person with a private chat, and two clients: PTB's and a raw one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import aiohttp
import pytest
from strict_telegram import Chat, Person, Server
from telegram import Bot
from telegram.request import HTTPXRequest


@dataclass(frozen=True, slots=True)
class Answer:
    """A raw answer. `result` is None for refusals."""

    status: int
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def result(self) -> Any:
        return self.body.get("result")

    @property
    def description(self) -> str:
        return str(self.body.get("description", ""))


Raw = Callable[..., Awaitable[Answer]]


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    async with Server() as running:
        yield running


@pytest.fixture
def ann(server: Server) -> Person:
    return server.person(5, "Ann", "ann")


@pytest.fixture
def chat(server: Server, ann: Person) -> Chat:
    return server.private_chat(ann)


@pytest.fixture
async def bot(server: Server) -> AsyncIterator[Bot]:
    base, files = f"{server.url}/bot", f"{server.url}/file/bot"
    request = HTTPXRequest(connection_pool_size=8)
    async with Bot(server.token, base_url=base, base_file_url=files, request=request) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as running:
        yield running


@pytest.fixture
def raw(server: Server, session: aiohttp.ClientSession) -> Raw:
    async def call(method: str, **params: Any) -> Answer:
        url = f"{server.url}/bot{server.token}/{method}"
        async with session.post(url, json=params) as response:
            return Answer(response.status, dict(response.headers), await response.json())

    return call
